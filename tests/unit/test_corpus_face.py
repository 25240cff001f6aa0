"""Fit, lids, lips and pose, on a small made-up mesh."""

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("scipy")

from longtake.corpus.face_model import FaceModel, fit_face
from longtake.corpus.lids import STEPS, Edge, Lids
from longtake.corpus.lips import Lips
from longtake.corpus.mix import Recipe, choose, far_enough, promising
from longtake.corpus.people import Person
from longtake.errors import CorpusError


def small_model(seed: int = 0) -> FaceModel:
    """A cloud of 500 points as a face, each landmark on one of them."""
    rng = np.random.default_rng(seed)
    model = FaceModel.__new__(FaceModel)
    model.neutral = rng.normal(0, 4, (500, 3)).astype(np.float32)
    model.names = ["jawOpen", "eyeBlink_L", "cheekPuff"]
    model.index = {name: i for i, name in enumerate(model.names)}
    model.expressions = rng.normal(0, 1, (3, 500, 3)).astype(np.float32)
    model.identities = rng.normal(0, 0.3, (4, 500, 3)).astype(np.float32)
    model.landmark_corners = np.stack([np.arange(468)] * 3, axis=1)
    model.landmark_weights = np.tile(np.float32([[0.5, 0.25, 0.25]]), (468, 1))
    return model


def seen(model: FaceModel, identity: np.ndarray, expression: np.ndarray) -> np.ndarray:
    shape = model.shape(identity) + np.tensordot(expression, model.expressions, 1)
    flip = np.diag([1.0, -1.0, -1.0])
    return 10 * model.at_landmarks(shape) @ flip.T + (100, 120, 0)


def test_a_face_made_by_the_model_is_fitted_back():
    model = small_model()
    identity, expression = np.array([0.5, -1.0, 0.2, 0.8]), np.array([0.6, 0.3, 0.0])
    fit = fit_face(model, seen(model, identity, expression), rounds=30)
    assert fit.scale == pytest.approx(10, rel=0.02)
    np.testing.assert_allclose(fit.expression, expression, atol=0.05)
    np.testing.assert_allclose(fit.identity, identity, atol=0.1)
    assert np.abs(fit.residual).max() < 1.0


def test_expressions_the_fit_may_not_use_stay_zero():
    model = small_model()
    fit = fit_face(model, seen(model, np.zeros(4), np.array([0.0, 0.0, 0.9])))
    assert fit.expression[2] == 0 and (fit.expression >= 0).all() and (fit.expression <= 1).all()


def test_fitted_rotations_are_proper():
    model = small_model()
    fit = fit_face(model, seen(model, np.zeros(4), np.zeros(3)))
    assert np.linalg.det(fit.rotation) == pytest.approx(1)


def edge(first: int, count: int) -> Edge:
    corners = np.stack([np.arange(first, first + count)] * 3, axis=1)
    return Edge(corners, np.tile(np.float32([[1, 0, 0]]), (count, 1)), np.linspace(0, 1, count))


def eye(gap: float = 10.0) -> tuple[Lids, np.ndarray]:
    """Nine points of an upper edge at y = 0 and nine of a lower one, open in the middle."""
    x = np.linspace(0, 40, 9)
    opening = gap * np.sin(np.linspace(0, np.pi, 9))
    points = np.concatenate([np.column_stack([x, 0 * x, 0 * x]), np.column_stack([x, opening, 0 * x])]).astype(
        np.float32
    )
    along = np.tile(np.linspace(0, 1, 9), 2)
    upper = np.repeat([1.0, 0.0], 9)
    return Lids(edge(0, 9), edge(9, 9), np.arange(18), along, upper, 1 - upper), points


def test_a_closed_lid_meets_the_other():
    lids, points = eye()
    lids.close(points, 1.0, 100.0)
    gap = points[9:, 1] - points[:9, 1]
    assert np.abs(gap).max() < 0.6  # of 10 pixels


def test_half_closed_is_half_way():
    lids, points = eye()
    lids.close(points, 0.5, 100.0)
    assert points[13, 1] - points[4, 1] == pytest.approx(5, abs=0.4)


def test_an_open_eye_does_not_move():
    lids, points = eye()
    before = points.copy()
    lids.close(points, 0.0, 100.0)
    np.testing.assert_array_equal(points, before)
    assert len(lids.upper.curve(points)) == len(STEPS)


@pytest.mark.parametrize("gap", [6.0, -2.0])
def test_sealed_lips_meet_whether_open_or_overlapping(gap):
    x = np.linspace(0, 50, 11)
    opening = gap * np.sin(np.linspace(0, np.pi, 11))
    points = np.concatenate([np.column_stack([x, 0 * x, 0 * x]), np.column_stack([x, opening, 0 * x])]).astype(
        np.float32
    )
    along, side = np.tile(np.linspace(0, 1, 11), 2), np.repeat([1.0, -1.0], 11)
    lips = Lips(edge(0, 11), edge(11, 11), np.arange(22), along, np.ones(22), side)
    lips.seal(points, 1.0)
    np.testing.assert_allclose(points[11:, 1], points[:11, 1], atol=1e-4)


def person(i: int, **changes) -> Person:
    identity = np.zeros(128, np.float32)
    identity[i % 128] = 1.0  # any two are 1.4 apart
    about = {"split": "train", "usable": True, "yaw": 0.0, "mouth_open": 0.005, "skin": np.array([30.0, 10, 10])}
    about |= {"beard": 5.0, "moustache": 5.0, "facial_hair": False, "identity": identity}
    return Person(file=f"{i}.jpg", **(about | changes))


def crowd(*people: Person) -> SimpleNamespace:
    return SimpleNamespace(rows=list(people), lip_contrast=lambda file: np.zeros(3))


def test_a_mix_has_three_people_of_at_most_four_tenths():
    recipe = choose(crowd(*(person(i) for i in range(6))), np.random.default_rng(0), "train")
    assert len(set(recipe.files)) == 3 and max(recipe.weights) <= 0.4 and sum(recipe.weights) == pytest.approx(1)
    with pytest.raises(AssertionError):
        Recipe(("a", "b", "c"), (0.5, 0.3, 0.2))


def test_only_people_of_the_split_are_mixed():
    people = crowd(*(person(i, split="heldout" if i % 2 else "train") for i in range(12)))
    for seed in range(10):
        files = choose(people, np.random.default_rng(seed), "heldout").files
        assert all(int(file.split(".")[0]) % 2 for file in files)


@pytest.mark.parametrize(
    "changes", [{"usable": False}, {"facial_hair": True}, {"yaw": 30.0}, {"skin": np.array([90.0, 0, 0])}]
)
def test_people_who_do_not_go_together_are_never_mixed(changes):
    people = crowd(*(person(i) for i in range(4)), person(9, **changes))
    for seed in range(30):
        assert "9.jpg" not in choose(people, np.random.default_rng(seed), "train").files


def test_no_mix_is_an_error_that_says_so(monkeypatch):
    monkeypatch.setattr("longtake.corpus.mix.DRAWS", 50)
    with pytest.raises(CorpusError, match="No three train portraits"):
        choose(crowd(*(person(0) for _ in range(3))), np.random.default_rng(0), "train")


def test_a_mix_near_one_source_is_refused():
    assert far_enough((0.61, 0.7, 0.6)) and not far_enough((0.59, 0.9, 0.9))
    assert promising((0.6, 0.7, 0.7)) and not promising((0.3, 0.7, 0.7))
