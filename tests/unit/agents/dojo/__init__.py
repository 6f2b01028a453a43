"""Tests of the dojo."""
