"""Numbers for videos of any method: what each metric is, computed in one pass over a clip, whatever its length."""
