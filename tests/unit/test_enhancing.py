"""How the enhancer is judged: who is compared with whom, on what, and what the rows say."""

import cv2
import numpy as np
import pytest
import torch

from faces import AUTOENCODER, ROWS
from longtake.errors import CorpusError
from longtake.evaluate import faces_spoiled
from longtake.evaluate.enhancing import (
    SYSTEMS,
    Judged,
    Quality,
    judge,
    perplexity_share,
    read_faces,
    rows_of,
)
from longtake.evaluate.faces_spoiled import by_chain, by_model, still
from longtake.evaluate.rows import BARS
from longtake.face.align import TEMPLATE
from longtake.models.autoencoder import Autoencoder
from longtake.models.code_predictor import PredictorSizes
from longtake.models.enhancer import Enhancer, EnhancerSizes
from longtake.models.vqgan import VqganSizes
from longtake.settings import EnhanceSettings

FACE = EnhancerSizes(
    VqganSizes(side_px=512, stem=32, widths=(8, 8), layers=1, norm="place", attend=False, code=4, codes=12),
    PredictorSizes(width=8, layers=1, heads=1, ff=8),
    fused=(16,),
    steady=True,
)


@pytest.fixture(scope="module")
def clip():
    """Frames of smooth noise, all the same, with a face's landmarks in the middle."""
    rng = np.random.default_rng(0)
    frame = cv2.resize(rng.integers(0, 255, (30, 30, 3), np.uint8), (600, 600), interpolation=cv2.INTER_CUBIC)
    points = rng.uniform(200, 400, (4, 468, 2))
    for rows, place in zip(ROWS, TEMPLATE + 44, strict=True):
        points[:, list(rows)] = place
    return np.repeat(frame[None], 4, axis=0), points


def test_what_is_given_lies_on_what_is_true(clip):
    spoiled = by_chain(*clip, seed=0)
    assert spoiled.true.shape == spoiled.given.shape == spoiled.enlarged.shape == (4, 512, 512, 3)
    assert np.array_equal(spoiled.true[0], clip[0][0, 44:556, 44:556])
    for video in (spoiled.given, spoiled.enlarged):
        apart = np.abs(video[0].astype(int) - spoiled.true[0]).mean()
        assert 0.5 < apart < 8 and apart < np.abs(np.roll(video[0], 6, axis=1).astype(int) - spoiled.true[0]).mean()
    assert spoiled.landmarks[0, 4] == pytest.approx(TEMPLATE[2], abs=1)


def test_the_models_own_pictures_go_through_its_latents(clip, monkeypatch):
    monkeypatch.setattr(faces_spoiled, "MODEL_PX", 32)
    torch.manual_seed(0)
    first, other = (by_model(*clip, Autoencoder(AUTOENCODER).eval(), seed) for seed in (0, 1))
    assert first.given.shape == (4, 512, 512, 3) and (first.given != other.given).any()
    assert (first.given[0] != first.given[1]).any(), "a part of the error is new in each frame"
    assert np.array_equal(first.true, other.true)


def test_a_face_held_still_has_grain_alone(clip):
    spoiled = still(clip[0][0], clip[1][0], 3)
    assert (spoiled.true == spoiled.true[0]).all()
    assert 0 < np.abs(spoiled.given[1].astype(int) - spoiled.given[0]).mean() < 10


def test_systems_are_judged_side_by_side(clip):
    torch.manual_seed(0)
    network = Enhancer(FACE).eval().requires_grad_(False)
    spoiled = by_chain(*clip, seed=0)
    found = judge("one", network, EnhanceSettings(), spoiled)
    assert set(found.found) == set(SYSTEMS) and found.shown.shape == (4, 512, 512, 3)
    assert found.found["lanczos"].psnr_db > found.found["aligned"].psnr_db, "untrained"
    assert found.codes.sum() == 4 * 8 * 8 and 0 <= found.changed <= 1
    assert found.found["lanczos"].flicker > 0 and found.found["lanczos"].ssim < 1


def made(psnr, flicker, codes):
    found = {s: Quality(p, 0.9, 0.1, 1.0, 2.0, f) for s, p, f in zip(SYSTEMS, psnr, flicker, strict=True)}
    return Judged("made", found, np.asarray(codes, float), 0.3, np.zeros((4, 2, 2, 3), np.uint8))


def test_rows_say_what_alignment_gains():
    rows = rows_of([made((30, 31, 32), (4, 2, 1), [1, 1, 0, 0]), made((28, 29, 31), (4, 2, 1), [0, 0, 1, 1])], 1.05, "")
    values = {row.name: row.value for row in rows}
    assert values["enhance_flicker_ratio"] == pytest.approx(0.5)
    assert values["enhance_psnr_gain_over_lanczos_db"] == pytest.approx(2.5)
    assert values["enhance_psnr_gain_over_per_frame_db"] == pytest.approx(1.5)
    assert values["enhance_code_perplexity"] == pytest.approx(1.0)
    barred = [row for row in rows if row.bar is not None]
    assert {row.name for row in barred} == {name for name in BARS if name.startswith("enhance_")}
    assert all(row.passed for row in barred)
    worse = {row.name: row.passed for row in rows_of([made((30, 31, 29), (4, 2, 3), [1, 0, 0, 0])], 1.2, "")}
    assert not any(worse[row.name] for row in barred if row.name != "enhance_code_perplexity")


def test_perplexity_is_a_share_of_the_codebook():
    assert perplexity_share(np.array([5.0, 5, 0, 0])) == pytest.approx(0.5)
    assert perplexity_share(np.array([5.0, 0, 0, 0])) == pytest.approx(0.25)


def test_an_empty_folder_is_told(tmp_path):
    with pytest.raises(CorpusError, match="no faces"):
        read_faces(tmp_path)
