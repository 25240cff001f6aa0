"""Frames as they are made: an hour of speech needs no more memory than a minute, and the first frames come at once."""

import sys
import time

import longtake

portrait, speech = sys.argv[1:3] if len(sys.argv) > 2 else ("portrait.png", "speech.wav")
animator = longtake.Animator("mini")
started = time.monotonic()
for chunk in animator.stream(portrait, speech):
    last = chunk.first_frame + len(chunk.frames)
    print(f"frames {chunk.first_frame}-{last - 1} of {chunk.frames.shape[1:]} after {time.monotonic() - started:.1f} s")
