"""Sync scores: the exact shift is found, by the published script's arithmetic, in memory that stays the same."""

import numpy as np
import pytest

from longtake.clips import Speech
from longtake.evaluate.metrics.extractors.mfcc import mfcc
from longtake.evaluate.metrics.protocol import Clip, Quantity
from longtake.evaluate.metrics.sync import PER_FRAME, SHIFTS, Shifts, scores, sync_metric
from longtake.evaluate.metrics.view import Session, View
from longtake.evaluate.playing import Samples

RNG = np.random.default_rng(1)


def by_the_script(faces, sounds):
    """The published arithmetic on all vectors at once."""
    padded = np.pad(sounds, ((SHIFTS, SHIFTS), (0, 0)))
    rows = [np.linalg.norm(face - padded[i : i + 2 * SHIFTS + 1] + 1e-6, axis=1) for i, face in enumerate(faces)]
    means = np.mean(rows, axis=0)
    best = means.argmin()
    return means[best], np.sort(means)[SHIFTS] - means[best], SHIFTS - best


@pytest.mark.parametrize("count", [1, 14, 40, 200])
def test_streamed_equals_all_at_once(count):
    faces, sounds = RNG.normal(size=(2, count, 8))
    shifts = Shifts()
    for face, sound in zip(faces, sounds, strict=True):
        shifts.take(face, sound)
    found = scores(shifts.means())
    assert tuple(found.values()) == pytest.approx(by_the_script(faces, sounds))


def test_what_is_held_does_not_grow():
    shifts = Shifts()
    for _ in range(1000):
        shifts.take(RNG.normal(size=4), RNG.normal(size=4))
    assert len(shifts._faces) == SHIFTS and len(shifts._sounds) <= 2 * SHIFTS + 1


class Loudness:
    """Reads a number off the frames, and the same number off the sound."""

    name, frames, side, lead, samples, comparable, source, sha256 = "loudness", 3, 2, 0, 3 * PER_FRAME, False, "", ""

    def ready(self):
        pass

    def begin(self):
        pass

    def crop(self, pictures, landmarks):
        return pictures[:, :2, :2]

    def faces(self, windows):
        return windows[:, :, 0, 0, 0].astype(np.float32) / 255

    def sounds(self, windows):
        return np.abs(windows).reshape(len(windows), 3, -1).mean(axis=2)


def artificial(shift, frames=120, blind=()):
    """Views of a clip whose grey is the loudness of its sound, `shift` frames late."""
    loud = np.random.default_rng(7).random(frames + 2 * SHIFTS).astype(np.float32)
    samples = np.repeat(loud[SHIFTS : SHIFTS + frames], PER_FRAME)
    shown = loud[SHIFTS - shift : SHIFTS - shift + frames]
    session = Session(Clip("a", None), Speech(None, frames / 25, Samples(samples)))
    for first in range(0, frames, 16):
        grey = (shown[first : first + 16] * 255).round().astype(np.uint8)
        view = View(first, np.broadcast_to(grey[:, None, None, None], (len(grey), 4, 4, 3)).copy(), session)
        points = np.zeros((len(grey), 468, 3), np.float32)
        points[np.isin(view.places, blind)] = np.nan
        view.shared("landmarks", lambda known=points: known)
        yield view


def judged(views, number="offset"):
    metric = sync_metric("x", number, "X.", Quantity("", "none"), Loudness())
    reader = metric.begin(Clip("a", None))
    for view in views:
        reader.see(view)
    return reader.numbers()["x"]


@pytest.mark.parametrize("shift", [-15, -11, -6, -3, -1, 0, 1, 2, 7, 14])
def test_the_exact_shift_of_an_artificial_clip_is_found(shift):
    assert judged(artificial(shift)) == shift
    assert judged(artificial(shift), "confidence") > 0.2


def test_lips_that_say_what_is_heard_are_at_no_distance():
    assert judged(artificial(0), "distance") < 0.01


def test_windows_without_a_face_are_left_out():
    assert judged(artificial(2, blind=range(30, 60))) == 2
    assert np.isnan(judged(artificial(2, blind=range(120))))


def test_a_clip_too_short_for_a_score_has_none():
    assert np.isnan(judged(artificial(0, frames=9)))


def test_mel_cepstra_equal_their_library():
    library = pytest.importorskip("python_speech_features")
    samples = RNG.normal(0, 3000, 16_000)
    theirs = library.mfcc(samples, 16_000)[:95]
    np.testing.assert_allclose(mfcc(samples)[:95], theirs, atol=1e-8)


def test_a_window_of_cepstra_equals_the_same_window_of_the_whole():
    samples = RNG.normal(0, 3000, 16_000)
    np.testing.assert_allclose(mfcc(samples[6399 : 6400 + 3440], lead=1), mfcc(samples)[40:60], atol=1e-9)


def test_the_published_networks_shapes_fit():
    torch = pytest.importorskip("torch")
    from longtake.evaluate.metrics.extractors.syncnet import SyncNet

    with torch.device("meta"):
        made = SyncNet().eval()
        assert made.faces(torch.zeros(2, 3, 5, 224, 224)).shape == (2, 1024)
        assert made.sounds(torch.zeros(2, 1, 13, 20)).shape == (2, 1024)
    assert "netcnnlip.21.weight" not in made.state_dict() and "netfclip.3.bias" in made.state_dict()
