"""The worlds by name: the module of a world's type holds its class as ``WORLD``."""
