"""Rules that end a training run early, by name; a run without one has none in its code."""
