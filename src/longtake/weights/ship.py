"""`python -m longtake.weights.ship TRAINED OUT [--eight-bits]`: what a run made, in the form that the package ships."""

from __future__ import annotations

import sys
from pathlib import Path

from longtake.weights import files
from longtake.weights.rounded import rounded
from longtake.weights.words import only_norms

PARTS = {"reference_net.": "reference.safetensors"}
"""The animation networks go into two files, so that each stays below 20 MB."""


def ship(trained: Path, out: Path, eight_bits: bool = False) -> None:
    """Write the weights in `trained` to `out`, the animation networks in parts; in eight bits if wanted.

    Of a run that trained word norms, these alone.
    """
    tensors, header = files.read(trained)
    if header.get("kind") == "words":
        tensors = only_norms(tensors)
    parts = PARTS if any(name.startswith(tuple(PARTS)) for name in tensors) else {}
    if eight_bits:
        tensors = rounded(tensors)
    files.write_parts(out, tensors, {**header, "trained": files.short_hash(trained)}, parts)


if __name__ == "__main__":
    ship(Path(sys.argv[1]), Path(sys.argv[2]), "--eight-bits" in sys.argv[3:])
