"""Tests of the tool shell."""
