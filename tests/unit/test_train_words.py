"""Training the word encoder: what it is shown, that it learns, and that the tables measure it."""

from pathlib import Path

import numpy as np
import pytest
import torch

from longtake.corpus.captions import HELD_OUT
from longtake.corpus.expressions import NAMES
from longtake.encoders.spelling import UNKNOWN, tokens
from longtake.train import words_check
from longtake.train.phrasing import Asked, draw_asked, known_words, misspelled, nonsense, say, spoil, targets
from longtake.train.recipe import Recipe, read_recipe
from longtake.train.words import WordsTask, estimate

RECIPE = Path(__file__).parents[2] / "recipes" / "mini" / "words_encoder.toml"


def task(**settings) -> WordsTask:
    small = {"embedding": 32, "width": 16, "buckets": 128, "blocks": 1, "kernel": 3}
    return WordsTask(
        Recipe.checked({"kind": "words_encoder", "sizes": small, "data": {"states": 16}, "task": settings})
    )


def test_the_encoder_knows_at_least_three_hundred_words_and_every_word_that_is_drawn():
    known, rng = set(known_words()), np.random.default_rng(0)
    assert len(known) >= 300
    said = [say(draw_asked(rng), rng) for _ in range(60)]
    assert not {token.plain for text in said for token in tokens(text) if token.plain} - known


def test_no_text_to_learn_from_holds_a_held_out_phrasing_that_grammar_tells_apart():
    rng = np.random.default_rng(1)
    clauses = {clause for _ in range(150) for clause in say(draw_asked(rng), rng).replace("; ", ", ").split(", ")}
    assert not clauses & {text for texts in HELD_OUT.values() for text in texts}


def test_a_batch_depends_on_its_generator_alone_and_says_every_state_twice():
    one, two = (task().batch(np.random.default_rng(3), 0.0) for _ in range(2))
    assert all(torch.equal(one[name].nan_to_num(-1), two[name].nan_to_num(-1)) for name in one)
    first, second = one["expressions"].chunk(2)
    assert torch.equal(first, second) and not torch.equal(*one["words"].chunk(2))


def test_some_known_words_are_seen_by_their_spelling_alone():
    hidden, shown = (task(hidden=share).batch(np.random.default_rng(0), 0.0)["words"] for share in (0.5, 0.0))
    assert (hidden == UNKNOWN).sum() > (shown == UNKNOWN).sum() + 50
    assert ((hidden == shown) | (hidden == UNKNOWN)).all()


def test_a_few_steps_lower_the_loss():
    learning = task()
    optimizer = torch.optim.AdamW(learning.model.parameters(), lr=1e-2)
    losses = []
    for step in range(40):
        loss, _ = learning.loss(learning.model, learning.batch(np.random.default_rng(step), 0.0), 0.0)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert np.mean(losses[-5:]) < 0.5 * losses[0]


def test_targets_tell_the_state_and_leave_out_people_nobody_spoke_of():
    states, people = targets([Asked({"smile": 0.5}, {"beard": True, "moustache": False}), Asked(refused="wink")])
    assert states[0, NAMES.index("smile")] == 0.5 and states.sum() == 0.5
    assert people[0].tolist() == [1, 0] and np.isnan(people[1]).all()


def test_what_is_refused_is_said_with_a_refusal():
    assert any(
        word in say(Asked(refused="wink"), np.random.default_rng(0)) for word in ("not", "without", "no", "never")
    )


def test_a_careless_text_keeps_most_of_its_letters():
    rng, text = np.random.default_rng(0), "smiling broadly, head tilted slightly to the left"
    shares = []
    for _ in range(50):
        said = spoil(text, rng).lower().split()
        shares.append(np.mean([word.strip(",") in [x.strip(",.!;") for x in said] for word in text.split()]))
    assert 0.6 < np.mean(shares) < 0.99
    assert misspelled("smiling", rng) != "smiling" and nonsense(rng).isalpha()


class Oracle:
    """Reads nothing but the word "smil..."."""

    def states(self, texts):
        return [{name: float(name == "smile" and "smil" in text.lower()) for name in NAMES} for text in texts]


def test_a_text_is_understood_where_its_expression_is_read_most():
    assert words_check.understood(Oracle(), "smile", ["smiling", "grinning", "A SMILE"]) == pytest.approx(2 / 3)
    assert words_check.understood(Oracle(), "sad", ["smiling"]) == 0
    assert np.isnan(words_check.understood(Oracle(), "sad", []))


def test_the_tables_measure_any_encoder():
    learning = task()
    reading = words_check.check(words_check.encoder_of(learning.model, learning.words), texts=4)
    assert set(reading.trained) == set(NAMES) and reading.unknown["strange"] > 0.9
    assert all(f"| {name} |" in words_check.report(reading) for name in (*NAMES, "held_out", "unknown_misspelled"))


def test_the_recipe_can_be_counted():
    told = estimate(read_recipe(RECIPE))
    assert "words" in told and "M parameters" in told
