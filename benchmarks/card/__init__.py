"""The parts of ``gpu.py``: one file each, run in a process of its own."""
