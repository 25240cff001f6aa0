"""Clips without states get captions: by rules from what is measured, or from models behind any name."""

import builtins
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from longtake.corpus.describe import READ, Rules, pieces, state_of, states_of
from longtake.corpus.expressions import EXPRESSIONS
from longtake.corpus.viewer import LOOK, Viewer, load_pipeline
from longtake.errors import CorpusError, MissingDependency, WeightsMissing
from longtake.evaluate.expressions import TRUE
from longtake.evaluate.signals import Signals, signals_of
from longtake.face.drawn import drawn_face

USUAL = dict.fromkeys(READ, 0.0)


def still(frames: int) -> Signals:
    points = np.random.default_rng(0).uniform(50, 200, (468, 3))
    return signals_of(np.stack([points] * frames), np.zeros((frames, 2, 3)), 25.0)


@pytest.mark.parametrize("name", READ)
def test_what_a_puppet_shows_is_read_back_at_its_intensity(name):
    assert state_of(USUAL | {name: 0.7 * TRUE[name]}, USUAL) == {name: 0.7}
    assert state_of(USUAL | {name: 3 * TRUE[name]}, USUAL) == {name: 1.0}


def test_how_somebody_usually_looks_is_no_expression():
    frown = USUAL | {"brows_down": TRUE["brows_down"]}
    assert state_of(frown, frown) == {} == state_of(USUAL, USUAL)


def test_the_stronger_of_two_that_exclude_each_other_is_kept_and_a_lost_face_says_nothing():
    both = USUAL | {"look_left": 0.5 * TRUE["look_left"], "look_right": 0.9 * TRUE["look_right"]}
    assert state_of(both, USUAL) == {"look_right": 0.9}
    assert state_of(dict.fromkeys(READ, float("nan")), USUAL) == {}


def test_pieces_that_show_the_same_are_one_span():
    smile = [USUAL | {"smile": share * TRUE["smile"]} for share in (0.5, 0.7, 0.0)]
    found = [(25 * k, 25 * (k + 1), values, USUAL) for k, values in enumerate(smile)]
    assert states_of(found) == [(0, 50, {"smile": 0.6}), (50, 75, {})]


@pytest.mark.parametrize(
    ("frames", "stops"), [(5, [5]), (25, [25]), (30, [30]), (75, [25, 50, 75]), (85, [25, 50, 85])]
)
def test_pieces_fill_the_clip(frames, stops):
    found = pieces(still(frames))
    assert [stop for _, stop, _ in found] == stops and [start for start, _, _ in found] == [0, *stops[:-1]]


def test_rules_see_a_head_that_tilts():
    level, tilted = drawn_face(), drawn_face(turn_deg=9.0)
    clips = [({"id": "a", "voice": "one", "fps": 2.0}, np.stack([level] * 4 + [tilted] * 2))]
    [(name, gained)] = Rules().captions(clips)
    assert name == "a" and gained["ease"] > 0
    assert "tilt_right" in gained["states"][-1][2] and "tilt_right" not in gained["states"][0][2]
    assert all(set(state) <= set(EXPRESSIONS) for _, _, state in gained["states"])


def test_models_are_asked_for_every_two_seconds_and_their_words_are_put_on_one_line():
    asked = []

    def load(task, model):
        def answer(text, **_):
            asked.append((task, model, text[0]["content"]))
            said = " a man,\n smiling. " if task == "image-text-to-text" else [{"role": "assistant", "content": "B"}]
            return [{"generated_text": said}]

        return answer

    clip = [({"id": "a", "fps": 25.0}, np.zeros((110, 8, 8, 3), np.uint8))]
    assert dict(Viewer("eye", load=load).captions(clip))["a"]["texts"] == [
        (0, 50, "a man, smiling"),
        (50, 110, "a man, smiling"),
    ]
    assert asked[0][:2] == ("image-text-to-text", "eye") and asked[0][2][1]["text"] == LOOK
    assert dict(Viewer("eye", "pen", load).captions(clip))["a"]["texts"][0] == (0, 50, "B")
    assert asked[-1][:2] == ("text-generation", "pen") and asked[-1][2].endswith("a man, smiling")


def test_a_model_that_says_nothing_is_an_error():
    with pytest.raises(CorpusError, match="eye says nothing"):
        Viewer("eye", load=lambda *_: lambda **_: [{"generated_text": "  "}]).say(np.zeros((8, 8, 3), np.uint8))


def test_nothing_is_loaded_before_the_first_frame():
    Viewer("eye", load=lambda *_: pytest.fail("loaded"))


def test_a_missing_package_says_which_extra_brings_it(monkeypatch):
    found = builtins.__import__

    def absent(name, *rest):
        if name == "transformers":
            raise ImportError(name)
        return found(name, *rest)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(MissingDependency, match=r"pip install 'longtake\[hallo2\]'"):
        load_pipeline("image-text-to-text", "eye")


def test_missing_weights_say_how_to_go_on(monkeypatch):
    def absent(task, model):
        raise OSError(f"{model} is not a local folder\nand more")

    monkeypatch.setitem(sys.modules, "transformers", SimpleNamespace(pipeline=absent))
    with pytest.raises(WeightsMissing, match="pen is not a local folder") as told:
        load_pipeline("text-generation", "pen")
    assert "hf download pen" in told.value.do and "and more" not in str(told.value)
