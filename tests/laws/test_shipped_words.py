"""The word weights that ship belong to the networks beside them, and move the face the way they are asked."""

from longtake.evaluate.asking import speaker
from longtake.evaluate.cases import FIXTURES, read_cases
from longtake.evaluate.controls import player_with
from longtake.evaluate.expressions import TRUE, shown
from longtake.evaluate.signals import signals_of
from longtake.face.detect import landmarks_of
from longtake.face.lids import read_eyes
from longtake.presets import mini

SECONDS = 0.64
"""One segment."""


def test_mini_follows_prompts_and_its_words_are_small():
    assert mini().knows_words
    assert sum(path.stat().st_size for path in mini().weights.glob("words*.safetensors")) <= 4e6


def test_eyebrows_that_are_asked_to_rise_do():
    speak, case = speaker(player_with(changes={"sampling": {"steps": 4}})), read_cases(FIXTURES, 1)[0]
    assert speak is not None
    asked, null = (seen(speak(case, cues, SECONDS), case.fps) for cues in (((0.0, "eyebrows raised"),), ()))
    assert shown("brows_up", asked) - shown("brows_up", null) >= 0.3 * TRUE["brows_up"]


def seen(frames, fps):
    landmarks = landmarks_of(frames)
    return signals_of(landmarks, read_eyes(frames, landmarks), fps)
