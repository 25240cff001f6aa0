"""Decode once, train many times: `python -m longtake.train.pack frames|sounds SOURCE FOLDER`, `... own FOLDER`."""

from __future__ import annotations

import argparse
from pathlib import Path

from longtake.train.frames import pack_frames
from longtake.train.own import make_own
from longtake.train.sounds import pack_sounds


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m longtake.train.pack", description=__doc__)
    parser.add_argument("what", choices=["frames", "sounds", "own"])
    parser.add_argument("sources", type=Path, nargs="*", help="corpus folders (frames) or the assets folder (sounds)")
    parser.add_argument(
        "folder", type=Path, help="where the packed files go; own: packed frames, which get the model's"
    )
    parser.add_argument("--every", type=int, default=4, help="keep every n-th frame of a corpus clip")
    parser.add_argument("--limit", type=int, default=None, help="stop after about this many frames")
    parser.add_argument("--weights", type=Path, default=None, help="own: another autoencoder than the package's")
    args = parser.parse_args()
    if args.what == "frames":
        print(f"{pack_frames(args.sources, args.folder, args.every, args.limit)} frames in {args.folder}")
    elif args.what == "own":
        from longtake.networks import load_autoencoder
        from longtake.presets import mini

        network = load_autoencoder(args.weights or mini().weights / "autoencoder.safetensors")
        print(f"{make_own(args.folder, network)} frames as the model shows them in {args.folder}")
    else:
        print(f"{pack_sounds(args.sources[0], args.folder)} utterances in {args.folder}")


if __name__ == "__main__":
    main()
