"""`python -m longtake.weights.ship TRAINED OUT`: what a run made, in the form that the package ships."""

from __future__ import annotations

import sys
from pathlib import Path

from longtake.weights import files

PARTS = {"reference_net.": "reference.safetensors"}
"""The animation networks go into two files, so that each stays below 20 MB."""


def ship(trained: Path, out: Path) -> None:
    """Write the weights in `trained` to `out`; the animation networks in parts."""
    tensors, header = files.read(trained)
    animation = any(name.startswith(tuple(PARTS)) for name in tensors)
    files.write_parts(out, tensors, {**header, "trained": files.short_hash(trained)}, PARTS if animation else {})


if __name__ == "__main__":
    ship(Path(sys.argv[1]), Path(sys.argv[2]))
