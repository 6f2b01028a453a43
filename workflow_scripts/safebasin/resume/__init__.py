"""What a killed job left: where it lies, and whether it can be believed."""
