"""The page of the enhancer: the table of systems, the table of inputs, the sheet."""

from dataclasses import replace

import numpy as np
import torch

from faces import AUTOENCODER
from longtake.evaluate import faces_spoiled
from longtake.evaluate.enhance_page import page, quality_table, sheet
from longtake.evaluate.enhancing import SYSTEMS, Judged, Quality, rows_of
from longtake.evaluate.inputs import Way, compare_inputs, table
from longtake.models.autoencoder import Autoencoder
from longtake.models.code_predictor import PredictorSizes
from longtake.models.enhancer import Enhancer, EnhancerSizes
from longtake.models.latent_reader import LatentSizes
from longtake.models.vqgan import VqganSizes
from longtake.settings import EnhanceSettings

SMALL = EnhancerSizes(
    VqganSizes(side_px=64, stem=8, widths=(8, 8), layers=1, norm="place", attend=False, code=4, codes=12),
    PredictorSizes(width=8, layers=1, heads=1, ff=8),
    fused=(8,),
)


def judged(gain=1.0):
    found = {s: Quality(30 + gain * k, 0.9, 0.2, 0.8, 3.0, 4.0 - k) for k, s in enumerate(SYSTEMS)}
    return [Judged("one", found, np.ones(8), 0.2, np.zeros((4, 512, 512, 3), np.uint8))]


def test_the_table_has_a_line_for_each_system_and_lanczos_once():
    one = quality_table({"a": judged()}).splitlines()
    assert len(one) == 2 + 3 and "31.00" in one[3] and "frame by frame" in one[3]
    two = quality_table({"a": judged(), "b": judged(2.0)}).splitlines()
    assert len(two) == 2 + 3 + 2 and "(b)" in two[-1] and "34.00" in two[-1]


def test_the_sheet_has_a_column_for_each_clip():
    assert sheet(judged() + judged()).shape == (4 * 256, 2 * 256, 3)


def test_the_page_says_what_it_is_of():
    about = {"date": "2026-01-01", "commit": "abc", "hardware": "two cores"}
    rows = rows_of(judged(), 1.0, "one face")
    text = page(about, {"a": judged()}, rows, table([Way("latents", 30, 1, 2, 0, 0.5)]))
    assert "two cores" in text and "| latents | 30.00 | 1.00 | 2.00 | 0.00 | 0.50 |" in text
    assert "enhance_flicker_ratio" in text and "enhance_psnr_db_alone" not in text


def test_both_inputs_are_compared_from_the_same_latents(monkeypatch):
    monkeypatch.setattr(faces_spoiled, "MODEL_PX", 16)
    torch.manual_seed(0)
    frames = np.random.default_rng(0).integers(0, 255, (3, 64, 64, 3), np.uint8)
    face = ("noise", frames, np.zeros((3, 468, 2)))
    nets = [Enhancer(replace(SMALL, latents=x)).eval().requires_grad_(False) for x in (None, LatentSizes(4, 2))]
    coder = Autoencoder(AUTOENCODER).eval().requires_grad_(False)
    ways = compare_inputs(*nets, coder, EnhanceSettings(), [face])
    assert [way.name for way in ways] == ["decoded, Lanczos", "decoded frames", "latents"]
    assert ways[2].decode_s == 0 < ways[1].decode_s and all(np.isfinite(way.psnr_db) for way in ways)
