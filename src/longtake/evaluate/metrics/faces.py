"""Who is seen and what the face does: identity, landmarks, mouth, and how much lips, head and brows move."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from longtake.evaluate.curves import correlation, spread
from longtake.evaluate.face import head_motion_of
from longtake.evaluate.metrics.curves import (
    NAN,
    CurveMetric,
    Curves,
    curve_metric,
    mean,
    median,
    ratio,
    reference_picture,
)
from longtake.evaluate.metrics.protocol import FPS, Quantity
from longtake.evaluate.metrics.view import View
from longtake.evaluate.signals import BROWS
from longtake.face.measure import head_pose, in_head_frame, mouth_opening

IDENTITY_EVERY = 5
MOUTH = (61, 291, 0, 17, 13, 14, 37, 267, 84, 314, 82, 312, 87, 317)
"""Corners and pairs of the lips."""
BESIDE_TRUE = "ratio to the true clip"


def faces_found() -> CurveMetric:
    """The share of frames in which a face is found."""
    return curve_metric(
        "faces_found",
        "Share of frames in which a face is found.",
        {"faces_found": Quantity("", "higher")},
        lambda view: {"found": np.isfinite(view.landmarks[:, 0, 0])},
        lambda curves: {"faces_found": mean(curves["found"])},
    )


def identity() -> CurveMetric:
    """The distance from the portrait, by the network inside the package."""
    return curve_metric(
        "identity_faceapi",
        "Distance of the face from the portrait's by the shipped face-api network (above 0.6: another person), median over "
        "frames. A stand-in: mini is conditioned on the same network.",
        {
            "identity_faceapi": Quantity("", "lower"),
            "found": Quantity("", "higher", "share of read frames with a face"),
        },
        _identity,
        lambda curves: {"identity_faceapi": median(curves["far"]), "found": float(np.isfinite(curves["far"]).mean())},
        comparable=False,
        every=IDENTITY_EVERY,
        against="portrait, else first true frame, else own first frame",
        same_network_conditions="mini",
    )


def _identity(view: View) -> Curves:
    from longtake.face.identity import identities_of, identity_distance

    rows = view.every(IDENTITY_EVERY)
    wanted = view.session.once("identity", lambda: _reference_identity(view))
    found = view.shared("identities", lambda: identities_of(list(view.pictures[rows]), list(view.landmarks[rows])))
    return {"far": identity_distance(found, wanted[None])}


def _reference_identity(view: View) -> Float[np.ndarray, " 128"]:
    from longtake.face.detect import find_landmarks
    from longtake.face.identity import identity_of

    picture, _ = reference_picture(view)
    faces = find_landmarks(picture)
    return identity_of(picture, faces[0]) if faces else np.full(128, np.nan, np.float32)


def landmark_distance() -> CurveMetric:
    """How far landmarks are from the true ones, the head's pose taken out."""
    return curve_metric(
        "landmark_distance",
        "Mean distance of the 468 landmarks from the true ones in the head's own frame. Not LMD, which is in pixels.",
        {
            "landmark_distance": Quantity("distances of the outer eye corners", "lower"),
            "mouth": Quantity("distances of the outer eye corners", "lower", "of the lips alone"),
        },
        _landmarks_apart,
        lambda curves: {"landmark_distance": mean(curves["all"]), "mouth": mean(curves["mouth"])},
        frozenset({"real clip"}),
    )


def _landmarks_apart(view: View) -> Curves:
    if view.real_landmarks is None:
        return {}
    ours, true = (in_head_frame(points)[..., :2] for points in (view.landmarks, view.real_landmarks))
    apart = np.linalg.norm(ours - true, axis=-1)
    return {"all": apart.mean(axis=1), "mouth": apart[:, MOUTH].mean(axis=1)}


def mouth_correlation() -> CurveMetric:
    """How well the mouth follows the true one."""
    return curve_metric(
        "mouth_correlation",
        "Pearson's r of the mouth's opening with the true clip's, all frames, no lag.",
        {"mouth_correlation": Quantity("", "higher")},
        lambda view: {} if view.real_landmarks is None else _mouths(view.landmarks, view.real_landmarks),
        lambda curves: {"mouth_correlation": correlation(curves["ours"], curves["true"])},
        frozenset({"real clip"}),
    )


def _mouths(ours: np.ndarray, true: np.ndarray) -> Curves:
    return {"ours": mouth_opening(ours), "true": mouth_opening(true)}


def mouth_error() -> CurveMetric:
    """How far the mouth's opening is from a puppet's exact one."""
    return curve_metric(
        "mouth_error",
        "Mean absolute difference of the mouth's opening from the puppet's exact one.",
        {"mouth_error": Quantity("face heights", "lower"), "correlation": Quantity("", "higher")},
        _label_mouth,
        lambda curves: {
            "mouth_error": mean(np.abs(curves["ours"] - curves["true"])),
            "correlation": correlation(curves["ours"], curves["true"]),
        },
        frozenset({"labels"}),
    )


def _label_mouth(view: View) -> Curves:
    true = view.session.labels.get("mouth_open", np.zeros(0))
    there = view.places < len(true)
    return {"ours": mouth_opening(view.landmarks)[there], "true": true[view.places[there]]}


def lip_dynamics() -> CurveMetric:
    """How much the mouth opens and closes."""
    return _dynamics("lip", "the mouth's opening", "face heights", lambda points: {"mouth": mouth_opening(points)})


def brow_dynamics() -> CurveMetric:
    """How much the brows rise and fall."""
    return _dynamics(
        "brow",
        "the height of the brows in the head's frame",
        "distances of the outer eye corners",
        lambda points: {"brows": -in_head_frame(points)[:, BROWS, 1].mean(axis=1)},
    )


def head_dynamics() -> CurveMetric:
    """How much the head turns, and how fast."""
    speed = Quantity("degrees a second", "none", "mean speed over 0.2 s")
    return _dynamics("head", "yaw, pitch and roll", "degrees", _pose, {"speed": speed}, _speed)


def _pose(points: np.ndarray) -> Curves:
    return dict(zip(("yaw", "pitch", "roll"), head_pose(points).T, strict=True))


def _speed(curves: Curves) -> dict[str, float]:
    return {"speed": head_motion_of(np.stack([curves[name] for name in ("yaw", "pitch", "roll")], axis=-1), FPS)}


def _dynamics(part: str, what: str, unit: str, curves_of, more=None, extra=lambda curves: {}) -> CurveMetric:
    """The spread of curves over a clip, and its ratio to that of the true clip where there is one."""
    name = f"{part}_dynamics"

    def read(view: View) -> Curves:
        ours = dict(curves_of(view.landmarks))
        if view.real_landmarks is not None:
            ours |= {f"true {key}": curve for key, curve in curves_of(view.real_landmarks).items()}
        return ours

    def finish(curves: Curves) -> dict[str, float]:
        ours = {key: curve for key, curve in curves.items() if not key.startswith("true ")}
        true = [curve for key, curve in curves.items() if key.startswith("true ")]
        if not any(np.isfinite(curve).any() for curve in ours.values()):
            return {}  # no face
        moved = spread(np.stack(list(ours.values()), axis=-1))
        beside = ratio(moved, spread(np.stack(true, axis=-1))) if true else NAN
        return {name: moved, "ratio": beside, **extra(ours)}

    quantities = {name: Quantity(unit, "none"), "ratio": Quantity("", "none", BESIDE_TRUE), **(more or {})}
    says = f"How much {what} move over the clip: root of the summed variances."
    return curve_metric(name, says, quantities, read, finish)
