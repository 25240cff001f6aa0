"""Numbers for what the eye and the ear would say of a video."""
