"""Worlds that agents act in, and the episodes they play there."""
