"""What the metrics that need no one else's weights cost: CPU seconds per second of video, each alone and all together.

python benchmarks/metrics_cost.py VIDEO [--real VIDEO] [--speech SOUND] [--side 512] [--frames 100] [--alone]
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

import cv2

from longtake.errors import LongtakeError
from longtake.evaluate.metrics.protocol import FPS, Clip
from longtake.evaluate.metrics.reading import measure
from longtake.evaluate.metrics.registry import metric, names


def offline() -> list:
    """The metrics that can be computed here."""
    found = []
    for name in names():
        made = metric(name)
        try:
            made.ready()
        except LongtakeError:
            continue
        found.append(made)
    return found


def enlarged(video: Path, side: int, frames: int, folder: Path) -> Path:
    """The first frames of a video at another size."""
    import av

    from longtake.media.video import read_frames

    path = folder / f"{side}.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width = stream.height = side
        for picture in read_frames(video, 0, frames):
            large = cv2.resize(picture, (side, side), interpolation=cv2.INTER_CUBIC)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(large, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def cost(clip: Clip, chosen: list) -> float:
    """CPU seconds per second of video."""
    began = time.process_time()
    found = measure(clip, chosen)
    return (time.process_time() - began) / (found.frames / FPS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video", type=Path)
    parser.add_argument("--real", type=Path)
    parser.add_argument("--speech", type=Path)
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--alone", action="store_true", help="each metric by itself, too")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        video = enlarged(args.video, args.side, args.frames, Path(folder))
        clip = Clip("a", video, real=args.real, speech=args.speech)
        chosen = offline()
        measure(clip, chosen)  # networks are loaded
        for one in chosen if args.alone else ():
            print(f"{one.about.name:22} {cost(clip, [one]):.3f}", flush=True)
        print(f"{'all ' + str(len(chosen)):22} {cost(clip, chosen):.3f}")
        print(f"most memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")


if __name__ == "__main__":
    main()
