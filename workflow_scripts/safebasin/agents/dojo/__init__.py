"""Dojo: eight small sites that an agent clicks through, as state machines."""
