"""Laws of the mean over frames that look alike."""

import functools
from pathlib import Path

import cv2
import pytest
import torch

from longtake.models.alike import mean_of_alike

LEVEL = 1 / 127.5


@functools.cache
def portrait() -> torch.Tensor:
    picture = cv2.imread(str(Path(__file__).parents[2] / "examples" / "portrait.png"))
    return torch.from_numpy(picture).permute(2, 0, 1) * LEVEL - 1


def pictures(frames: int, noise: float = 0.0, shift: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Clean frames of a face that moves by `shift` px a frame, and the same with noise of so many levels."""
    clean = torch.stack([portrait()[:, 64:192, 32 + k * shift : 160 + k * shift] for k in range(frames)])
    return clean, clean + noise * LEVEL * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))


def error(found: torch.Tensor, true: torch.Tensor) -> float:
    """Root mean square in grey levels."""
    return float((found - true).square().mean().sqrt() / LEVEL)


def test_one_frame_stays_and_equal_frames_stay():
    clean, _ = pictures(4)
    assert torch.equal(mean_of_alike(clean[:1]), clean[:1])
    assert torch.allclose(mean_of_alike(clean), clean, atol=1e-6)


@pytest.mark.parametrize("noise", [1.0, 4.0, 10.0])
def test_noise_on_what_stands_still_is_averaged_away(noise):
    clean, given = pictures(16, noise)
    assert error(given, clean) == pytest.approx(noise, rel=0.05)
    assert error(mean_of_alike(given), clean) < 0.4 * noise  # a quarter, if all 16 weighed the same


@pytest.mark.parametrize("noise", [0.0, 4.0])
def test_what_moves_is_not_blurred(noise):
    clean, given = pictures(8, noise, shift=3)
    assert error(mean_of_alike(given), clean) <= max(1.0, noise)


def test_a_place_that_changes_is_left_alone_where_the_rest_stands_still():
    clean, given = pictures(16, 2.0)
    clean[8:, :, 32:64, 32:64] *= -1  # in the middle of the window a mouth opens
    given[8:, :, 32:64, 32:64] *= -1
    found = mean_of_alike(given)
    assert error(found[..., 36:60, 36:60], clean[..., 36:60, 36:60]) < 1.2
    assert error(found, clean) < 1.2


def test_the_order_of_frames_says_nothing():
    _, given = pictures(6, 3.0, shift=1)
    order = torch.tensor([3, 0, 5, 1, 4, 2])
    assert torch.allclose(mean_of_alike(given[order]), mean_of_alike(given)[order], atol=1e-5)


def test_halves_come_back_as_halves():
    _, given = pictures(3, 3.0)
    found = mean_of_alike(given.bfloat16())
    assert found.dtype == torch.bfloat16 and found.shape == given.shape
