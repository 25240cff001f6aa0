"""Word norms as a stage of their own: what is said of the frames, what learns, and of what the norms will be a part."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from test_stage import SIZES, recipe, windows

from learning import losses
from longtake.corpus.windows import INDEX, Windows
from longtake.errors import SettingsError, WeightsMismatch
from longtake.train import stage_words, words_reach
from longtake.train.checkpoint import start_from
from longtake.train.learner import Learner
from longtake.train.recipe import Recipe, read_recipe
from longtake.train.stage import build, estimate
from longtake.train.stage_settings import sizes_of
from longtake.train.stage_words import Sayings, told_at_once
from longtake.train.words_error import errors
from longtake.train.words_reach import held, reached
from longtake.weights import files
from longtake.weights.words import hashes_of, is_norm
from tiny import FakeWords

RECIPES = Path(__file__).parents[2] / "recipes"
STATES = [[0, 12, {}], [12, 26, {"smile": 0.9}], [26, 40, {"sad": 0.6}]]
plain = windows  # the prepared folder of the stages, without states


@pytest.fixture
def told(plain):
    """The same folder with states that change; it is put back afterwards."""
    before = (plain / INDEX).read_text()
    index = json.loads(before)
    for row in index["clips"]:
        row |= {"states": STATES, "ease": 4, "person": "somebody"}
    (plain / INDEX).write_text(json.dumps(index))
    yield plain
    (plain / INDEX).write_text(before)


@pytest.fixture
def start(tmp_path) -> Path:
    """Finished animation weights without word norms."""
    torch.manual_seed(1)
    learner = Learner(sizes_of(SIZES))
    trained = {"prediction": "clean", "motion": 4, "anchor_std": 0.7, "lip_gain": 9.0}
    files.write(
        tmp_path / "start.safetensors", learner.state_dict(), {"sizes": asdict(learner.sizes), "settings": trained}
    )
    return tmp_path / "start.safetensors"


@pytest.fixture
def task(told, start, monkeypatch):
    monkeypatch.setattr(stage_words, "words_called", lambda name: FakeWords())
    return build(words_recipe(told, start))


def words_recipe(folder: Path, start: Path | None, width: int = FakeWords.width, **task) -> Recipe:
    small = {"clips": 2, "frames": 16, "turn_rate": 1.0, "drop_all": 0.0, "drop_words": 0.0, **task}
    data = {"windows": [folder], "words": "words.safetensors"}
    return Recipe.checked(
        {"kind": "words", "run": {"start": start}, "sizes": {"words": width}, "data": data, "task": small}
    )


def test_only_word_norms_learn_in_networks_as_they_were_trained(task, start):
    learning = {name for name, parameter in task.model.named_parameters() if parameter.requires_grad}
    assert learning == {name for name in task.model.state_dict() if is_norm(name)} and learning
    settings = task.settings
    assert (settings.prediction, settings.motion, settings.anchor_std) == ("clean", 4, 0.7)
    assert settings.lip_gain == 4.0  # how errors weigh is the recipe's own


def test_fresh_phrasings_of_the_states_are_mixed_by_their_shares(told, task, monkeypatch):
    monkeypatch.setattr(stage_words, "AT_ONCE_RATE", 0.0)
    example = Windows(told).segment(np.random.default_rng(0), 16, 4, 0.0, turn_rate=1.0)
    said = []

    class Listening(FakeWords):
        def embed(self, texts):
            said.extend(texts)
            return torch.eye(self.width)[: len(texts)]

    for seed in range(6):
        batch = Sayings(Listening(), {})([example], np.random.default_rng(seed))
        asking = [share for state, share in example.states if state]
        strength = np.sum(asking, axis=0)
        np.testing.assert_allclose(batch["words_strength"][0], strength, atol=1e-6)
        mixed = batch["words"][0] * batch["words_strength"][0][:, None]
        np.testing.assert_allclose(mixed[:, : len(asking)], np.transpose(asking), atol=1e-5)
    assert len(set(said)) > 6
    assert any(text.startswith("somebody") for text in said) and not all(text.startswith("somebody") for text in said)


def test_told_at_once_the_latest_state_has_all_of_a_frame():
    states = [
        ({"smile": 1.0}, np.array([1, 0.7, 0.0])),
        ({}, np.array([0, 0.3, 0.6])),
        ({"sad": 1.0}, np.array([0, 0, 0.4])),
    ]
    told = told_at_once(states)
    assert [state for state, _ in told] == [{"smile": 1.0}, {}, {"sad": 1.0}]
    assert [share.tolist() for _, share in told] == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    assert told_at_once([]) == []


def test_where_nothing_is_known_nothing_is_said(plain):
    example = Windows(plain).segment(np.random.default_rng(0), 16, 4, 0.0)
    batch = Sayings(FakeWords(), {})([example], np.random.default_rng(0))
    assert not batch["words_strength"].any() and not batch["words"].any()


def test_segments_are_drawn_where_a_new_state_begins(told):
    for seed in range(10):
        example = Windows(told).segment(np.random.default_rng(seed), 16, 4, 0.0, turn_rate=1.0)
        assert len(example.states) > 1


def test_rows_lose_their_words_at_the_rate_of_the_recipe(told, start, monkeypatch):
    monkeypatch.setattr(stage_words, "words_called", lambda name: FakeWords())
    task = build(words_recipe(told, start, clips=8, drop_words=0.4))
    strengths = [task.batch(np.random.default_rng(seed), 0.0)["words_strength"] for seed in range(20)]
    assert abs(torch.cat(strengths).any(1).float().mean() - 0.6) < 0.1


def test_a_batch_that_lost_all_its_words_can_be_learned_from(told, start, monkeypatch):
    monkeypatch.setattr(stage_words, "words_called", lambda name: FakeWords())
    task = build(words_recipe(told, start, drop_words=1.0))
    loss, _ = task.loss(task.model, task.batch(np.random.default_rng(0), 0.0), 0.0)
    loss.backward()
    assert not any(p.grad.any() for p in task.model.parameters() if p.grad is not None)


def test_what_is_said_changes_nothing_before_training_and_counts_after_it(task):
    batch = task.batch(np.random.default_rng(0), 0.0)
    unsaid = {**batch, "words_strength": torch.zeros_like(batch["words_strength"])}

    def predicted(rows):
        with torch.no_grad():
            return task.model(rows["target"].transpose(1, 2), rows["step"], task.told(rows))

    assert torch.equal(predicted(batch), predicted(unsaid))
    for name, parameter in task.model.named_parameters():
        if is_norm(name):
            parameter.data += 0.1
    assert not torch.allclose(predicted(batch), predicted(unsaid))


def test_a_few_steps_lower_the_loss_and_move_the_norms_alone(task, start):
    start_from(task, start)
    before = {name: parameter.clone() for name, parameter in task.model.named_parameters()}
    # An untrained network says nothing yet: shake its last layer, so that what is before it matters.
    task.model.denoiser.conv_out.weight.data.normal_(0, 0.3)
    before["denoiser.conv_out.weight"] = task.model.denoiser.conv_out.weight.clone()
    found = losses(task, steps=10, rate=1e-2)
    assert found[-1] < 0.98 * found[0]
    moved = {name for name, parameter in task.model.named_parameters() if not torch.equal(parameter, before[name])}
    assert moved == {name for name in before if is_norm(name)}


def test_the_header_names_what_the_norms_belong_to_through_later_runs(task, told, start, tmp_path):
    header = task.header()
    assert header["animation"] == hashes_of(start) and header["encoder"] == {"model_id": "words.safetensors"}
    files.write(tmp_path / "ema.safetensors", task.model.state_dict(), {**header, "kind": "words"})
    assert build(words_recipe(told, tmp_path / "ema.safetensors")).header()["animation"] == hashes_of(start)


def test_the_sheet_measures_what_words_bring(task):
    task.sheets.steps = task.sheets.clips = 1
    _, numbers = task.sheet(task.model)
    assert numbers["distance"] == numbers["distance_unsaid"]  # untrained norms are no-ops


def test_an_encoder_that_does_not_fit_the_norms_is_refused(told, start, monkeypatch):
    monkeypatch.setattr(stage_words, "words_called", lambda name: FakeWords())
    with pytest.raises(SettingsError, match=r"sizes\.words = 8"):
        build(words_recipe(told, start, width=16))


def test_norms_need_networks_to_be_trained_in(told, monkeypatch):
    monkeypatch.setattr(stage_words, "words_called", lambda name: FakeWords())
    alone = words_recipe(told, None).overlay({"sizes": {**SIZES, "words": 8}})
    with pytest.raises(SettingsError, match=r"run\.start"):
        build(alone)


def test_other_stages_are_not_told_words(plain):
    batch = build(recipe(plain)).batch(np.random.default_rng(0), 0.0)
    assert not {"words", "words_strength"} & set(batch)


@pytest.mark.parametrize("name", ["mini/words", "paper/words"])
def test_its_recipes_can_be_counted_without_data(name, monkeypatch):
    monkeypatch.chdir(RECIPES.parent)
    told = estimate(read_recipe(RECIPES / f"{name}.toml"))
    assert "words: " in told and "TFLOP" in told
    learns = [line for line in told.splitlines() if "M learn" in line and "   0.00 M learn" not in line]
    assert [line.split()[0] for line in learns] == ["denoiser", "all"]


def test_the_paper_drops_words_at_one_in_twenty():
    assert read_recipe(RECIPES / "paper" / "words.toml").task["drop_words"] == 0.05


def test_words_that_nobody_has_learned_neither_help_nor_harm_and_learned_ones_are_told_apart(task):
    found = errors(task, batches=1)
    assert found["none"] == found["right"] == found["wrong"] > 0
    with torch.no_grad():
        for name, parameter in task.model.named_parameters():
            if is_norm(name):
                parameter.normal_(std=0.5)
    found = errors(task, batches=1)
    assert len(set(found.values())) == 3
    assert found == errors(task, batches=1)


@pytest.fixture
def calm(told, tmp_path) -> Path:
    """Twins of these clips, without a change anywhere."""
    for path in told.glob("*.npy"):
        array = np.load(path)
        np.save(tmp_path / path.name, np.zeros_like(array) if path.stem in ("latents", "dropped") else array)
    (tmp_path / INDEX).write_text((told / INDEX).read_text())
    return tmp_path


def test_segments_that_show_one_expression_begin_calm_where_it_is_fully_there(told, calm):
    windows = Windows(told, "heldout", calm=[calm])
    found = list(held(windows, 4, 4))
    assert [name for name, *_ in found] == ["smile", "sad"]
    for name, asked, twin in found:
        ((state, share),) = asked.states
        assert list(state) == [name] and share.min() == 1.0
        assert not twin.target.any() and not asked.reference.any() and asked.target.any()
    assert not list(held(windows, 8, 4)), "no state is held that long"


def test_the_reach_of_words_is_their_share_of_the_true_change(told, calm, start, monkeypatch):
    monkeypatch.setattr(stage_words, "words_called", lambda name: FakeWords())
    recipe = words_recipe(told, start, frames=4)
    task = build(recipe.model_copy(update={"data": {**recipe.data, "calm": [calm]}}))
    monkeypatch.setattr(
        words_reach, "foreseen", lambda task, batch: (1 + 0.3 * batch["words_strength"].mean()) * task.clean(batch)
    )
    assert reached(task) == {name: (1, pytest.approx(0.3, abs=1e-5)) for name in ("sad", "smile")}


def write_norms(task, path: Path, **header) -> Path:
    """The task's norms, each tensor moved by one, as a file."""
    norms = {name: x + 1.0 for name, x in task.model.state_dict().items() if is_norm(name)}
    files.write(path, norms, {"kind": "words", "frames_seen": 7, **task.sayings.origin, **header})
    return path


def test_norms_go_on_from_a_file_of_norms(told, task, start, tmp_path):
    path = write_norms(task, tmp_path / "norms.safetensors")
    recipe = words_recipe(told, start)
    again = build(recipe.model_copy(update={"data": {**recipe.data, "norms": path}}))
    start_from(again, start)
    before, after = task.model.state_dict(), again.model.state_dict()
    assert all(torch.equal(after[name], before[name] + 1.0) for name in before if is_norm(name))
    assert again.header()["norms"] == {"weights": files.short_hash(path), "frames_seen": 7}


def test_norms_of_other_networks_are_refused(told, task, start, tmp_path):
    path = write_norms(task, tmp_path / "norms.safetensors", animation={"start": "0123"})
    recipe = words_recipe(told, start)
    with pytest.raises(WeightsMismatch, match="another animation weights"):
        start_from(build(recipe.model_copy(update={"data": {**recipe.data, "norms": path}})), start)
