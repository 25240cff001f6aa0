"""The enhancer judged on held-out puppets: against Lanczos, and against itself without alignment over time."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, UInt8

from longtake.errors import CorpusError
from longtake.evaluate.faces_spoiled import Spoiled, by_chain, by_model, still
from longtake.evaluate.metrics.pairs import ssim
from longtake.evaluate.pictures import psnr_db
from longtake.evaluate.rows import Row, row
from longtake.evaluate.steadiness import border_ratio, flicker, frame_changes, still_places, warping_error
from longtake.settings import EnhanceSettings

if TYPE_CHECKING:
    from longtake.models.autoencoder import Autoencoder
    from longtake.models.enhancer import Enhancer

FIXTURES = Path("tests/fixtures/enhance")
"""Held-out puppets at 512 pixels in a clone: NAME.mp4 and NAME.npz with their landmarks."""
SYSTEMS = ("lanczos", "alone", "aligned")
STILL_FRAMES = 52
IDENTITY_EVERY = 8
Video = UInt8[np.ndarray, "f H W 3"]
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Quality:
    """What was measured on one video of a face against the true one."""

    psnr_db: float
    ssim: float
    identity: float  # distance to the true face
    sharpness: float  # ratio to the true one
    warping: float  # levels of 255, see `steadiness.warping_error`
    flicker: float  # levels of 255 where the true video stands still


@dataclass(frozen=True, eq=False)
class Judged:
    """One spoiled clip under all systems, and the codes that were predicted for it."""

    name: str
    found: Mapping[str, Quality]
    codes: Float[np.ndarray, " codes"]  # how often each was taken
    changed: float  # share of the codes that alignment changes
    shown: UInt8[np.ndarray, "4 H W 3"]  # true, Lanczos, alone, aligned


def enhance_rows(
    network: "Enhancer",
    autoencoder: "Autoencoder",
    settings: EnhanceSettings,
    folder: Path = FIXTURES,
    tell: Tell = print,
) -> list[Row]:
    """The rows of the gates."""
    faces = read_faces(folder)
    judged = judge_all(network, autoencoder, settings, faces, tell)
    border = window_border(network, settings, faces[0])
    return rows_of(judged, border, f"{len(faces)} held-out puppets, by the model itself and by the chain")


def judge_all(
    network: "Enhancer",
    autoencoder: "Autoencoder",
    settings: EnhanceSettings,
    faces: Sequence[tuple[str, Video, Float[np.ndarray, "f 468 2"]]],
    tell: Tell = print,
) -> list[Judged]:
    """Every face spoiled in both ways, enhanced and measured."""
    judged = []
    for seed, (name, frames, landmarks) in enumerate(faces):
        for kind, spoiled in (
            ("model", by_model(frames, landmarks, autoencoder, seed)),
            ("chain", by_chain(frames, landmarks, seed)),
        ):
            judged.append(judge(f"{name} {kind}", network, settings, spoiled))
            tell(told(judged[-1]))
    return judged


def judge(name: str, network: "Enhancer", settings: EnhanceSettings, spoiled: Spoiled) -> Judged:
    """One spoiled clip under all systems."""
    alone = settings.overlay({"align": False})
    videos = {
        "lanczos": spoiled.enlarged,
        "alone": restored(network, alone, spoiled.given),
        "aligned": restored(network, settings.overlay({"align": True}), spoiled.given),
    }
    calm = still_places(spoiled.true)
    codes = [codes_of(network, spoiled.given[: settings.window], align) for align in (True, False)]
    middle = len(spoiled.true) // 2
    return Judged(
        name=name,
        found={system: measure(video, spoiled, calm) for system, video in videos.items()},
        codes=np.bincount(codes[0].ravel(), minlength=network.sizes.vqgan.codes).astype(np.float64),
        changed=float((codes[0] != codes[1]).mean()),
        shown=np.stack([video[middle] for video in (spoiled.true, *videos.values())]),
    )


def measure(video: Video, spoiled: Spoiled, calm: np.ndarray) -> Quality:
    """How a video of a face compares with the true one."""
    from longtake.face.appearance import sharpness
    from longtake.face.identity import identities_of, identity_distance

    chosen = range(0, len(video), IDENTITY_EVERY)
    who = [identities_of([x[k] for k in chosen], [spoiled.landmarks[k] for k in chosen]) for x in (video, spoiled.true)]
    points = [np.column_stack([spoiled.landmarks[k], np.zeros(len(spoiled.landmarks[k]))]) for k in chosen]
    sharp = [np.mean([sharpness(x[k], p) for k, p in zip(chosen, points, strict=True)]) for x in (video, spoiled.true)]
    return Quality(
        psnr_db=float(np.mean([psnr_db(a, b) for a, b in zip(video, spoiled.true, strict=True)])),
        ssim=float(np.mean([ssim(video[k], spoiled.true[k]) for k in chosen])),
        identity=float(np.mean(identity_distance(*who))),
        sharpness=float(sharp[0] / sharp[1]),
        warping=warping_error(video, spoiled.true),
        flicker=flicker(video, calm),
    )


def rows_of(judged: Sequence[Judged], border: float, set: str) -> list[Row]:
    """The rows of the gates from all clips."""
    means = {system: mean_quality([clip.found[system] for clip in judged]) for system in SYSTEMS}
    aligned, alone, lanczos = means["aligned"], means["alone"], means["lanczos"]
    share = np.sum([clip.codes for clip in judged], axis=0)
    return [
        row("enhance_flicker_ratio", aligned.flicker / alone.flicker if alone.flicker else float("nan"), set),
        row("enhance_psnr_gain_over_lanczos_db", aligned.psnr_db - lanczos.psnr_db, set),
        row("enhance_psnr_gain_over_per_frame_db", aligned.psnr_db - alone.psnr_db, set),
        row("enhance_window_border", border, "one of them held still, under a sensor's noise"),
        row("enhance_code_perplexity", perplexity_share(share), set, f"share of {len(share)} codes"),
        row("enhance_codes_changed", float(np.mean([clip.changed for clip in judged])), set, "by alignment"),
        *(
            row(f"enhance_{name}_{system}", getattr(means[system], name), set)
            for name in Quality.__dataclass_fields__
            for system in SYSTEMS
        ),
    ]


def mean_quality(found: Sequence[Quality]) -> Quality:
    """The mean of each measure over clips; a clip that can't tell one is left out of it."""
    fields = Quality.__dataclass_fields__
    return Quality(*(float(np.nanmean([getattr(q, name) for q in found])) for name in fields))


def perplexity_share(counts: Float[np.ndarray, " codes"]) -> float:
    """How many codes would be as varied if all were used alike, as a share of the codebook."""
    share = counts[counts > 0] / counts.sum()
    return float(np.exp(-(share * np.log(share)).sum()) / len(counts))


def restored(network: "Enhancer", settings: EnhanceSettings, given: Video) -> Video:
    """The aligned faces through the enhancer's windows."""
    from longtake.enhance import in_windows
    from longtake.media.pixels import as_frames, as_pictures
    from longtake.restoration import restore_with

    pictures = (as_pictures(frame[None])[0] for frame in given)
    stream = in_windows(pictures, restore_with(network, settings), settings.window, settings.overlap)
    return np.concatenate([as_frames(picture[None]) for picture in stream])


def codes_of(network: "Enhancer", given: Video, align: bool) -> np.ndarray:
    """The codes predicted for one window, frames x places."""
    import torch

    from longtake.media.pixels import as_pictures

    weight = network.codebook.weight
    with torch.inference_mode():
        features, _ = network.read(as_pictures(given).to(weight.device, weight.dtype), 0.0, 4)
        return network.predictor(features[None], align).argmax(-1)[0].cpu().numpy()


def window_border(network: "Enhancer", settings: EnhanceSettings, face: tuple[str, Video, np.ndarray]) -> float:
    """The change across borders of windows over that inside them, on a face that is held still."""
    _, frames, landmarks = face
    spoiled = still(frames[0], landmarks[0], STILL_FRAMES)
    video = restored(network, settings, spoiled.given)
    return border_ratio(frame_changes(video), settings.window, settings.overlap)


def read_faces(folder: Path = FIXTURES) -> list[tuple[str, Video, Float[np.ndarray, "f 468 2"]]]:
    """Name, frames and landmarks of each held-out puppet."""
    from longtake.media.video import read_frames

    found = []
    for path in sorted(folder.glob("*.mp4")):
        with np.load(path.with_suffix(".npz")) as stored:
            found.append((path.stem, np.stack(list(read_frames(path))), stored["landmarks"].astype(np.float64)))
    if not found:
        raise CorpusError(f"There are no faces in '{folder}'.", expected="NAME.mp4 and NAME.npz", do="run in a clone")
    return found


def told(clip: Judged) -> str:
    """One line about a clip."""
    parts = [f"{s} {q.psnr_db:.2f} dB, flicker {q.flicker:.2f}" for s, q in clip.found.items()]
    return f"{clip.name}: " + "; ".join(parts)
