"""Three performances of the same words: one model in memory, one seed each, fewer steps for a quick look."""

import sys
from pathlib import Path

import longtake
from longtake.presets import preset

portrait, speech, out = sys.argv[1:4] if len(sys.argv) > 3 else ("portrait.png", "speech.wav", "talk.mp4")
quick = preset("mini").settings.apply_set("sampling.steps=4", "video.crf=23")
animator = longtake.Animator("mini", settings=quick)
for seed in range(3):
    animator.settings = quick.apply_set(f"sampling.seed={seed}")
    name = Path(out).with_stem(f"{Path(out).stem}-{seed}")
    print(animator.animate(portrait, speech, name, overwrite=True))
