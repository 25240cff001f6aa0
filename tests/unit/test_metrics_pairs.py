"""PSNR and SSIM equal the libraries'."""

import numpy as np
import pytest

from longtake.evaluate.metrics.pairs import ssim, structure
from longtake.evaluate.pictures import psnr_db

RNG = np.random.default_rng(3)
A = RNG.integers(0, 256, (40, 52, 3), dtype=np.uint8)
B = np.clip(A + RNG.normal(0, 30, A.shape), 0, 255).astype(np.uint8)


def tensors():
    torch = pytest.importorskip("torch")
    return [torch.from_numpy(x).permute(2, 0, 1)[None].double() for x in (A, B)]


def test_psnr_equals_torchmetrics():
    image = pytest.importorskip("torchmetrics.functional.image")
    assert psnr_db(B, A) == pytest.approx(float(image.peak_signal_noise_ratio(*tensors(), data_range=255.0)), abs=1e-4)


def test_ssim_equals_torchmetrics():
    image = pytest.importorskip("torchmetrics.functional.image")
    theirs = image.structural_similarity_index_measure(*tensors(), data_range=255.0)
    assert ssim(B, A) == pytest.approx(float(theirs), abs=1e-6)


def test_ssim_equals_its_formula_at_a_place():
    x, y = A[:11, :11, 0].astype(float), B[:11, :11, 0].astype(float)
    line = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    window = np.outer(line, line) / line.sum() ** 2
    mx, my = (window * x).sum(), (window * y).sum()
    vx, vy, vxy = (window * x * x).sum() - mx**2, (window * y * y).sum() - my**2, (window * x * y).sum() - mx * my
    c1, c2 = 2.55**2, 7.65**2
    each = (2 * mx * my + c1) * (2 * vxy + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))
    middle = structure(A[:11, :11], B[:11, :11])[5, 5, 0]
    assert middle == pytest.approx(each, abs=1e-9)


def test_a_picture_smaller_than_the_window_has_no_ssim():
    assert np.isnan(ssim(A[:8, :8], B[:8, :8]))
