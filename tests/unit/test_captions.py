"""Captions say what a state is, in many words, some of which training never sees."""

import numpy as np
import pytest

from longtake.corpus.captions import (
    HELD_OUT,
    LEVELS,
    caption,
    contradictions,
    level,
    person_words,
    phrasings,
    vocabulary,
)
from longtake.corpus.expressions import EXPRESSIONS, NAMES, OPPOSITES, go_together
from longtake.corpus.wording import WORDING

SEEN = "\n".join(text for name in NAMES for kind in LEVELS for text in phrasings(name, kind))


def draws(state, count=300, **about):
    rng = np.random.default_rng(0)
    return [caption(state, rng, **about) for _ in range(count)]


def test_every_expression_has_its_words():
    assert set(WORDING) == set(NAMES) == set(EXPRESSIONS) and len(NAMES) == 26


def test_there_are_three_hundred_words_and_more():
    assert len(vocabulary()) >= 300


def test_no_phrasing_means_two_things():
    meant = [(text, name) for name in NAMES for kind in LEVELS for text in phrasings(name, kind)]
    names: dict[str, set[str]] = {}
    for text, name in meant:
        names.setdefault(text, set()).add(name)
    assert [text for text, found in names.items() if len(found) > 1] == []


@pytest.mark.parametrize("name", NAMES)
def test_phrasings_held_out_are_at_least_two_and_never_drawn_in_training(name):
    assert len(WORDING[name].held_out) >= 2 and len(HELD_OUT[name]) >= 2
    assert not [text for text in HELD_OUT[name] if text in SEEN]


def test_held_out_phrasings_are_drawn_when_asked_for_and_no_others():
    assert set(draws({"smile": 0.6}, held_out=True)) == set(phrasings("smile", "plain", held_out=True))


@pytest.mark.parametrize("name", NAMES)
def test_intensities_are_told_apart(name):
    slight, strong = (set(phrasings(name, kind)) for kind in ("slight", "strong"))
    assert slight and strong and not slight & strong
    assert (level(0.3), level(0.6), level(1.0)) == LEVELS


def test_a_caption_says_all_of_its_state_in_any_order():
    said = draws({"smile": 1.0, "tilt_left": 0.3, "look_up": 0.6})
    firsts = set()
    for text in said:
        places = {
            name: next(text.find(p) for p in sorted(phrasings(name, kind), key=len, reverse=True) if p in text)
            for name, kind in (("smile", "strong"), ("tilt_left", "slight"), ("look_up", "plain"))
        }
        firsts.add(min(places, key=lambda name: places[name]))
    assert firsts == {"smile", "tilt_left", "look_up"} and len(set(said)) > 200


def test_what_is_hardly_there_is_not_spoken_of():
    assert draws({"smile": 0.05}, 1) == [""] and draws({}, 1, person="somebody") == ["somebody"]


def test_the_person_comes_first():
    assert all(text.startswith("an old man, ") for text in draws({"nod": 0.6}, 20, person="an old man"))


def test_hair_on_the_face_is_said_where_it_is_known():
    rng = np.random.default_rng(0)
    assert person_words(rng, beard=True, moustache=True).endswith(" with a beard and a moustache")
    assert not any("beard" in person_words(rng) for _ in range(50))


def test_same_seed_same_caption():
    assert draws({"sad": 0.7, "nod": 0.4}, 20) == draws({"sad": 0.7, "nod": 0.4}, 20)


def test_contradictions_are_named():
    assert contradictions({"look_left": 0.5, "smile": 0.9, "look_right": 0.2}) == [("look_left", "look_right")]
    assert contradictions({"smile": 0.9, "laugh": 0.2, "look_up": 0.0, "look_down": 1.0}) == []
    assert all(not go_together(tuple(pair)) for pair in OPPOSITES)
