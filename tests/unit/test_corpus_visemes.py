"""Phone times become mouth shapes."""

import numpy as np
import pytest

from longtake.corpus.visemes import (
    NAMES,
    OPENING,
    SHAPES,
    Event,
    events_of,
    mouth_curves,
    seals,
    shift_phones,
    viseme_shares,
)

EXPRESSIONS = sorted({name for shape in SHAPES.values() for name in shape})
INDEX = {name: i for i, name in enumerate(EXPRESSIONS)}
TABLE = {"m": ["PP"], "ɑː": ["aa"], "I": ["aa", "ih"], "sil": ["sil"], "f": ["FF"], "u": ["ou"]}


def mouth(phones: list, frames: int = 50, amplitude: float = 1.4) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return mouth_curves(events_of(phones, TABLE), frames, 25.0, INDEX, amplitude)


@pytest.mark.parametrize("length", [0.03, 0.06, 0.12])
@pytest.mark.parametrize("start", [0.70, 0.713, 0.727])
def test_p_b_and_m_close_the_lips(start, length):
    """Between two wide vowels, in at least one frame, whatever the phone's length and place between frames."""
    weights, _, sealed = mouth([("ɑː", 0.2, start), ("m", start, start + length), ("ɑː", start + length, 1.5)])
    opening = weights[:, [INDEX[name] for name in OPENING]].sum(axis=1)
    closed = opening < 1e-6
    assert closed.any() and sealed.max() > 0.999
    assert opening[5:12].min() > 0.1 and sealed[5:12].max() == 0


def test_an_open_vowel_opens_more_than_a_rounded_one():
    weights, _, _ = mouth([("ɑː", 0.2, 0.9), ("u", 0.9, 1.6)])
    jaw = weights[:, INDEX["jawOpen"]]
    assert jaw[13] > 2 * jaw[31]


def test_silence_lets_the_mouth_rest():
    weights, _, _ = mouth([("sil", 0.0, 2.0)])
    assert np.abs(weights).max() < 1e-6


def test_shares_of_the_mouth_shapes_sum_to_one():
    events = [Event("aa", 0.1, 0.3), Event("PP", 0.3, 0.35), Event("SS", 0.35, 0.6)]
    np.testing.assert_allclose(viseme_shares(events, 40, 25.0).sum(axis=1), 1, atol=1e-6)


def test_the_mouth_is_ahead_of_the_sound():
    shares = viseme_shares([Event("sil", 0.0, 0.96), Event("aa", 0.96, 1.04), Event("sil", 1.04, 2.0)], 200, 100.0)
    assert 95 <= shares[:, NAMES.index("aa")].argmax() < 100


def test_a_diphthong_is_two_shapes_in_two_halves():
    assert events_of([("I", 1.0, 1.4)], TABLE) == [Event("aa", 1.0, 1.2), Event("ih", 1.2, 1.4)]


def test_moved_phones_are_cut_to_the_clip():
    assert shift_phones([("a", 0.0, 0.5), ("b", 0.5, 1.0), ("c", 1.0, 2.0)], -0.6, 1.0) == [
        ("b", 0.0, 0.4),
        ("c", 0.4, 1.0),
    ]


def test_louder_speech_opens_wider():
    phones = [("ɑː", 0.2, 1.0)]
    assert mouth(phones, amplitude=1.4)[0].max() == pytest.approx(1.4 * mouth(phones, amplitude=1.0)[0].max(), rel=1e-5)


def test_seals_hold_only_around_closures():
    held = seals([Event("aa", 0.0, 1.0), Event("PP", 1.0, 1.1), Event("aa", 1.1, 2.0)], 50, 25.0)
    assert held[26] == 1 and held[:23].max() == 0 and held[31:].max() == 0
