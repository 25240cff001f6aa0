"""Prompts are asked for in turn, known and unseen, and what comes is measured against the null prompt."""

import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from longtake.corpus.captions import HELD_OUT, LEVELS, phrasings
from longtake.evaluate import asking
from longtake.evaluate.asking import CHANGE_S, TIMED, Video, ask_words, turns, watch
from longtake.evaluate.cases import Case
from longtake.evaluate.expressions import HELD, USUAL
from longtake.evaluate.signals import Signals
from longtake.evaluate.words import GATED
from longtake.face.drawn import drawn_face

FPS, FRAMES = 25, 60


def name_of(text: str) -> tuple[str, bool]:
    """The expression that a caption asks for, and whether the phrasing is one that training never saw."""
    for name in GATED:
        if text in phrasings(name, "strong"):
            return name, False
        if text in HELD_OUT[name]:
            return name, True
    raise AssertionError(text)


@pytest.fixture
def obedient(monkeypatch, tmp_path):
    """A model that does what it is asked, as far as a frame can show it, and what it was asked."""
    asked = []

    def speak(case, cues, seconds):
        asked.append(tuple(cues))
        return np.zeros((FRAMES, 4, 4, 3), np.uint8)

    def measured(frames, case, person):
        rng = np.random.default_rng(0)
        curves = {of: USUAL[of] * 0.01 * rng.standard_normal(FRAMES) for of in USUAL}
        for start_s, text in asked[-1]:
            name = name_of(text)[0]
            come = np.arange(FRAMES) >= start_s * FPS
            for of, weight in HELD.get(name, {}).items():
                curves[of] = curves[of] + 4 * weight * come * USUAL[of]
            swing = {"nod": "pitch", "shake": "yaw"}.get(name)
            if swing:
                curves[swing] = curves[swing] + 9 * np.sin(np.arange(FRAMES)) * USUAL[swing]
        return Video(frames, Signals(FPS, curves), 0.7 - 0.01 * len(asked[-1]), 0.2)

    monkeypatch.setattr(asking, "watch", measured)
    monkeypatch.setattr(asking, "_first_identity", lambda case: np.zeros(128))
    return speak, asked, [Case(str(k), tmp_path) for k in range(7)]


def test_a_model_that_does_as_asked_reaches_every_row_of_direction_and_time(obedient):
    speak, _, cases = obedient
    rows = {row.name: row.value for row in ask_words(speak, cases)}
    assert rows["words_direction"] == 1.0 == rows["words_unseen_phrasings"]
    assert rows["words_reaction_s"] <= 0.08 and rows["words_lip_sync_loss"] == pytest.approx(0.01)
    assert rows["words_identity_rise"] == 0.0


def test_a_model_that_does_not_listen_reaches_neither(obedient):
    speak, _, cases = obedient

    def deaf(case, cues, seconds):
        return speak(case, (), seconds)

    rows = {row.name: row.value for row in ask_words(deaf, cases[:2])}
    assert rows["words_direction"] == 0.0 == rows["words_unseen_phrasings"] and rows["words_reaction_s"] == np.inf


def test_a_model_without_words_is_not_asked_and_one_with_words_hears_the_prompts(monkeypatch, tmp_path):
    heard = []

    class Fake:
        preset, settings = None, None

        def __init__(self, words):
            self.networks = SimpleNamespace(words=words)

        def stream(self, portrait, *, prompts=None):
            heard.append(prompts)
            yield SimpleNamespace(frames=np.zeros((16, 4, 4, 3), np.uint8))

    monkeypatch.setattr(asking, "first_seconds", lambda case, seconds: (np.zeros(9600, np.float32), 15))
    monkeypatch.setattr(asking, "portrait_in", lambda case, player: None)
    deaf: Any = Fake(None)
    hearing: Any = Fake("words")
    assert asking.speaker(deaf) is None
    speak = asking.speaker(hearing)
    assert speak is not None
    assert len(speak(Case("a", tmp_path), [(0.0, "smiling")], 0.6)) == 15
    speak(Case("a", tmp_path), (), 0.6)
    assert heard == [[(0.0, "smiling")], None]


def test_each_clip_begins_with_the_null_prompt_and_prompts_are_the_same_from_the_same_seed(obedient):
    speak, asked, cases = obedient
    ask_words(speak, cases[:1], seed=3)
    first, count = list(asked), len(asked)
    ask_words(speak, cases[:1], seed=3)
    assert asked[0] == () and asked[count:] == first and all(first[1:])


def test_every_expression_gets_its_turns():
    seen = [turn for index in range(21) for turn in turns(index)]
    assert all(seen.count((name, False)) == 21 and seen.count((name, True)) == 7 for name in GATED)


def test_prompts_in_the_middle_are_for_expressions_that_a_frame_shows(obedient):
    speak, asked, cases = obedient
    ask_words(speak, cases)
    late = [name_of(cues[0][1])[0] for cues in asked if cues and cues[0][0] == CHANGE_S]
    assert sorted(late) == sorted(TIMED) and set(late) <= set(HELD)
    assert {name_of(cues[0][1])[1] for cues in asked if cues} == {True, False} and "strong" in LEVELS


def test_a_video_is_watched_by_landmarks_against_the_clips_label(tmp_path):
    case = Case("a", tmp_path)
    frames = np.stack([drawn_face(mouth=m) for m in (0.0, 1.0, 0.5) * 4])
    labels = {"mouth_open": np.array((0, 1, 0.5) * 4), "phonemes": np.array(json.dumps([["a", 0.0, 0.48]]))}
    case.__dict__.update(frames=frames, labels=labels)
    seen = watch(frames, case, asking._first_identity(case))
    assert seen.mouth > 0.9 and seen.identity < 0.1
