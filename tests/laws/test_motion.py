"""Laws of the corruption of motion frames (paper 3.1)."""

import pytest
import torch

from longtake.motion import add_noise, drop_patches, motion_frames


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("patch_px", [1, 4, 8])
@pytest.mark.parametrize("drop_rate", [0.1, 0.25, 0.6])
def test_the_dropped_share_equals_the_rate(patch_px, drop_rate):
    dropped = drop_patches(torch.ones(8, 3, 256, 256), seeded(), patch_px, drop_rate)
    patches = 8 * (256 // patch_px) ** 2
    tolerance = 4 * (drop_rate * (1 - drop_rate) / patches) ** 0.5
    assert abs((dropped == 0).float().mean().item() - drop_rate) < tolerance


def test_whole_patches_are_dropped():
    dropped = drop_patches(torch.ones(2, 1, 64, 64), seeded(), 8, 0.5)
    patches = dropped.unfold(2, 8, 8).unfold(3, 8, 8).flatten(4)
    assert (patches.amin(-1) == patches.amax(-1)).all()


def test_a_patch_size_that_does_not_divide_the_picture_covers_it():
    assert (drop_patches(torch.ones(1, 1, 50, 30), seeded(), 16, 1.0) == 0).all()


def test_kept_pixels_are_never_dropped():
    keep = torch.zeros(32, 32, dtype=torch.bool)
    keep[8:24, 8:24] = True
    dropped = drop_patches(torch.ones(2, 3, 32, 32), seeded(), 1, 1.0, keep=keep)
    assert (dropped[:, :, keep] == 1).all()
    assert (dropped[:, :, ~keep] == 0).all()


def test_a_shared_mask_is_the_same_for_all_frames_and_separate_masks_differ():
    shared = drop_patches(torch.ones(3, 1, 64, 64), seeded(), 4, 0.5, share_mask=True)
    assert (shared == shared[:1]).all()
    separate = drop_patches(torch.ones(3, 1, 64, 64), seeded(), 4, 0.5)
    assert (separate != separate[:1]).any()


def test_rate_zero_and_noise_zero_change_nothing():
    frames = torch.rand(2, 3, 32, 32)
    assert torch.equal(drop_patches(frames, seeded(), 4, 0.0), frames)
    assert torch.equal(add_noise(frames, seeded(), 0.0), frames)


def test_the_noise_has_its_standard_deviation():
    noise = add_noise(torch.zeros(4, 16, 32, 32), seeded(), 0.3)
    assert abs(noise.std().item() - 0.3) < 0.005


def test_before_the_first_segment_the_portrait_stands_in_for_the_tail():
    portrait = torch.rand(3, 8, 8)
    assert torch.equal(motion_frames(None, portrait, 4), portrait.expand(4, 3, 8, 8))
    tail = torch.rand(6, 3, 8, 8)
    assert torch.equal(motion_frames(tail, portrait, 4), tail[-4:])
