"""Pictures, sound and video as they come from and go to files."""
