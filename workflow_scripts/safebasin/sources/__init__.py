"""What comes from outside, addressed by its bytes: package archives, folders, a hub."""
