"""Inference-time defences: what is put into a prompt, and the search for a prefix."""
