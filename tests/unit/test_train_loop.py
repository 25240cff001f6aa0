"""The loop on a tiny task: resume, logs, limits, weights."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from longtake.errors import SettingsError, WeightsMismatch, WeightsMissing
from longtake.train.batches import Batches
from longtake.train.checkpoint import load_checkpoint, start_from
from longtake.train.loop import Trainer, on_cpu
from longtake.train.recipe import Learning, Recipe, read_recipe
from longtake.train.task import learning_rate
from longtake.weights.files import about, read, write


class Line:
    """Fits a noisy line; its loss draws noise from torch, its batches from the given generator."""

    def __init__(self, settings=None):
        torch.manual_seed(0)
        self.settings = settings or {}
        self.model = nn.Linear(3, 1)
        self.model.register_buffer("count", torch.zeros((), dtype=torch.int64))
        self.looks = 0

    def batch(self, rng, share):
        x = rng.standard_normal((8, 3)).astype(np.float32)
        return {"x": torch.from_numpy(x), "y": torch.from_numpy(x.sum(1, keepdims=True))}

    def loss(self, model, batch, share):
        self.model.count += 1
        wrong = model(batch["x"]) - batch["y"] + 0.01 * torch.randn_like(batch["y"])
        return wrong.square().mean(), {"share": share}

    def frames(self, batch):
        return len(batch["x"])

    def sheet(self, model):
        self.looks += 1
        return np.zeros((4, 4, 3), np.uint8), {"score": -float(self.looks)}

    def header(self):
        return {"sizes": {"in": 3}, "corpus_seed": "7", "settings": self.settings}


def recipe(folder, **run) -> Recipe:
    run = {"folder": folder, "steps": 12, "precision": "no", "device": "cpu"} | run
    learning = {"rate": 0.05, "warmup_steps": 2, "ema_decay": 0.9}
    return Recipe.checked(
        {"kind": "line", "run": run, "learning": learning, "log": {"every_steps": 1}, "text": "# line"}
    )


def trained(folder, **run):
    trainer = Trainer(Line(), recipe(folder, **run))
    trainer.run()
    return trainer


def weights(trainer):
    return torch.cat([p.detach().flatten() for p in trainer.learns]), torch.cat(
        [p.flatten() for p in trainer.ema.shadow_params]
    )


def test_a_resumed_run_equals_one_that_never_stopped_bit_for_bit(tmp_path):
    whole = trained(tmp_path / "whole")
    halted = Trainer(Line(), recipe(tmp_path / "parts"))
    with halted._batches() as batches:
        for _ in range(5):
            logs = halted._step(batches, halted.progress.share(halted.recipe))
            halted._advance(logs["frames"], 0.0)
    halted.save()
    resumed = trained(tmp_path / "parts")
    assert resumed.progress.step == whole.progress.step == 12
    assert resumed.progress.frames == whole.progress.frames == 12 * 8
    for one, other in zip(weights(whole), weights(resumed), strict=True):
        assert torch.equal(one, other)
    assert resumed.plain.count == whole.plain.count


def test_statistics_in_buffers_are_averaged_with_the_weights_they_describe(tmp_path):
    made = Line()
    made.model.register_buffer("scale", torch.ones(()))
    trainer = Trainer(made, recipe(tmp_path))
    trainer.ema.ema.optimization_step = 10**6  # past the rise: decay 0.9
    made.model.scale.fill_(2.0)
    trainer.ema.step()
    with trainer.ema:
        assert made.model.scale.item() == pytest.approx(1.1, abs=1e-3)
    assert made.model.scale.item() == 2.0


def test_another_seed_gives_another_run(tmp_path):
    one, other = trained(tmp_path / "one"), trained(tmp_path / "other", seed=1)
    assert not torch.equal(weights(one)[0], weights(other)[0])


def test_training_lowers_the_loss_and_logs_every_step(tmp_path):
    trained(tmp_path, steps=60)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    losses = [line["loss"] for line in lines if "loss" in line]
    assert len(losses) == 60
    assert np.mean(losses[-5:]) < 0.2 * np.mean(losses[:5])
    assert lines[-1]["frames"] == 480 and "sheet_score" in lines[-1]
    assert len(list((tmp_path / "sheets").glob("line-*.png"))) == 1


def test_a_resumed_run_forgets_log_lines_after_its_checkpoint(tmp_path):
    trained(tmp_path, steps=4)
    with open(tmp_path / "log.jsonl", "a") as log:
        log.write(json.dumps({"step": 9, "loss": 1.0}) + "\n" + '{"step": 10, "lo')
    trained(tmp_path, steps=6)
    steps = [json.loads(line)["step"] for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert 9 not in steps and 10 not in steps and max(steps) == 6


def test_the_time_limit_ends_a_run_before_its_steps(tmp_path):
    trainer = trained(tmp_path, steps=10**6, max_minutes=1e-4)
    assert 0 < trainer.progress.step < 10**6


def test_weights_are_the_averages_in_bf16_with_a_header_that_says_what_they_are(tmp_path):
    trainer = trained(tmp_path, weights=tmp_path / "line.safetensors")
    tensors, header = read(tmp_path / "line.safetensors")
    assert tensors["weight"].dtype == torch.bfloat16 and tensors["count"].dtype == torch.int64
    assert torch.equal(tensors["weight"].flatten(), trainer.ema.shadow_params[0].flatten().bfloat16())
    assert header["kind"] == "line" and header["sizes"] == {"in": 3} and header["corpus_seed"] == "7"
    assert header["recipe"] == "# line" and header["frames_seen"] == 96 and header["commit"]


def test_a_run_can_start_from_weights_and_refuses_those_that_do_not_fit(tmp_path):
    first = trained(tmp_path / "first", weights=tmp_path / "line.safetensors")
    second = Trainer(Line(), recipe(tmp_path / "second", start=tmp_path / "line.safetensors"))
    assert torch.equal(second.learns[0], first.ema.shadow_params[0].bfloat16().float())
    second.export(tmp_path / "second.safetensors")
    origin = about(tmp_path / "second.safetensors")["started_from"]
    assert (origin["kind"], origin["frames_seen"]) == ("line", 96)
    other = Line()
    other.model = nn.Conv1d(1, 1, 1)
    with pytest.raises(WeightsMismatch):
        start_from(other, tmp_path / "line.safetensors")
    with pytest.raises(WeightsMissing):
        start_from(other, tmp_path / "nothing.safetensors")


def test_weights_that_learned_something_else_are_refused_unless_the_recipe_says_so(tmp_path):
    path = tmp_path / "line.safetensors"
    write(path, Line().model.state_dict(), {"settings": {"prediction": "v"}})
    start_from(Line({"prediction": "v", "lids": False}), path)
    told = {"prediction": "clean", "lids": True}
    with pytest.raises(SettingsError, match='prediction = "v", lids = false') as refused:
        start_from(Line(told), path)
    assert 'run.relearn = ["prediction", "lids"]' in refused.value.do
    with pytest.raises(SettingsError, match="trained with lids = false"):
        start_from(Line(told), path, ["prediction"])
    Trainer(Line(told), recipe(tmp_path / "run", start=path, relearn=["prediction", "lids"]))


def test_what_begins_anew_is_not_taken_from_the_weights_it_starts_from(tmp_path):
    path, other = tmp_path / "line.safetensors", Line()
    other.model.weight.data.fill_(5.0), other.model.bias.data.fill_(6.0)
    write(path, other.model.state_dict(), {})
    made = Line()
    before = made.model.weight.clone()
    assert start_from(made, path, anew=["weig"])["anew"] == ["weig"]
    assert torch.equal(made.model.weight, before) and made.model.bias.item() == 6.0
    with pytest.raises(SettingsError, match="'wait'"):
        start_from(made, path, anew=["wait"])
    write(path, {"weight": torch.zeros(1, 3)}, {})
    with pytest.raises(WeightsMismatch, match="missing"):  # a name that the file lacks is still told
        start_from(made, path, anew=["weig"])


def test_a_damaged_checkpoint_is_named(tmp_path):
    (tmp_path / "checkpoint.pt").write_bytes(b"not a checkpoint")
    with pytest.raises(WeightsMismatch, match=r"checkpoint\.pt"):
        load_checkpoint(tmp_path / "checkpoint.pt")


def test_the_best_sheet_is_kept(tmp_path):
    trainer = Trainer(
        Line(), recipe(tmp_path).model_copy(update={"log": recipe(tmp_path).log.model_copy(update={"best": "score"})})
    )
    with trainer._log_file() as log:
        trainer.look(log)
        kept = (tmp_path / "best.safetensors").read_bytes()
        with torch.no_grad():
            trainer.ema.shadow_params[0].add_(1.0)
        trainer.look(log)  # a lower score
    assert (tmp_path / "best.safetensors").read_bytes() == kept


def test_batches_made_ahead_are_the_same_batches():
    made = [Batches(lambda k: {"k": torch.tensor(k)}, 3, ahead) for ahead in (0, 2)]
    for batches in made:
        with batches:
            assert [int(batches(k)["k"]) for k in range(3, 9)] == list(range(3, 9))


def test_accumulated_batches_count_as_one_step(tmp_path):
    one = recipe(tmp_path, steps=3)
    trainer = Trainer(Line(), one.model_copy(update={"learning": one.learning.model_copy(update={"accumulate": 4})}))
    assert trainer.run().frames == 3 * 4 * 8
    assert int(trainer.plain.count) == 12


def test_the_learning_rate_warms_up_stays_and_falls_to_its_floor():
    cosine = Learning(rate=1.0, warmup_steps=10, decay_from=0.5, floor=0.1)
    assert learning_rate(cosine, 0, 0.0) == pytest.approx(0.1)
    assert learning_rate(cosine, 50, 0.5) == 1.0
    assert learning_rate(cosine, 75, 0.75) == pytest.approx(0.55)
    assert learning_rate(cosine, 100, 1.0) == pytest.approx(0.1)
    assert learning_rate(Learning(rate=1.0, schedule="constant"), 10**6, 1.0) == 1.0


def test_overrides_change_the_recipe_and_travel_in_its_text(tmp_path):
    path = tmp_path / "a.toml"
    path.write_text('kind = "line"\n[run]\nsteps = 5\n')
    made = read_recipe(
        path, ["run.steps=7", "data.folder=some/where", 'data.windows=["/else/where"]', "sizes.widths=[1, 2]"]
    )
    assert made.run.steps == 7 and made.data["folder"] == "some/where" and made.sizes["widths"] == [1, 2]
    assert "# --set run.steps=7" in made.text and "where" not in made.text


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("run.stepz=7", "did you mean 'steps'"),
        ("runs.steps=7", "did you mean 'run'"),
        ("run.steps", "is not a setting"),
        ("run.steps=0", "run.steps"),
    ],
)
def test_a_wrong_override_is_explained(tmp_path, override, message):
    path = tmp_path / "a.toml"
    path.write_text('kind = "line"\n')
    with pytest.raises(SettingsError, match=message):
        read_recipe(path, [override])


def test_a_wrong_size_is_explained():
    from longtake.models.autoencoder import AutoencoderSizes
    from longtake.train.recipe import make_sizes

    assert make_sizes(AutoencoderSizes, {"widths": [8, 8]}).widths == (8, 8)
    with pytest.raises(SettingsError, match=r"sizes.width', did you mean 'widths'"):
        make_sizes(AutoencoderSizes, {"width": [8, 8]})


@pytest.mark.parametrize("kind", ["autoencoder", "speech", "stage1"])
def test_a_wrong_name_in_any_table_of_any_recipe_is_explained(kind):
    from longtake.train.run import task_module

    made = Recipe.checked({"kind": kind, "data": {"foldr": "x"}})
    with pytest.raises(SettingsError, match=r"no setting 'foldr'|windows"):
        task_module(made).build(made)


@pytest.mark.parametrize(
    ("device", "others", "cpu"), [("auto", True, False), ("auto", False, True), ("cpu", True, True)]
)
def test_processes_are_told_to_train_on_the_cpu_where_nothing_else_is(monkeypatch, device, others, cpu):
    """Else each of them trains alone, and all write to one folder."""
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: others)
    assert on_cpu(device) is cpu
