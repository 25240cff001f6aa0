"""The shortest way: one portrait, one voice, one video."""

import sys

import longtake

portrait, speech, out = sys.argv[1:4] if len(sys.argv) > 3 else ("portrait.png", "speech.wav", "talk.mp4")
print(longtake.animate(portrait, speech, out, overwrite=True))
