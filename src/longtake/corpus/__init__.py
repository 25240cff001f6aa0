"""Talking puppets with exact labels: portraits nobody has, made to speak; and real clips in the same layout."""
