"""What can be known before the first job: one check per function, nothing written."""
