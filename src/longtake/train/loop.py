"""The one training loop. A task says what learns and what a good answer is; the loop does the rest.

Batches and noise depend on (seed, step) alone, so a resumed run equals one that never stopped.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import nn

from longtake.errors import RunInterrupted
from longtake.train.average import Average
from longtake.train.batches import Batches
from longtake.train.checkpoint import commit, export_weights, load_checkpoint, save_checkpoint, start_from
from longtake.train.interrupt import Interrupt
from longtake.train.recipe import Recipe
from longtake.train.task import Batch, Progress, Task, learning_rate


def on_cpu(device: Literal["auto", "cpu"]) -> bool:
    """Whether to train on the CPU. Where nothing else is, it must be said: accelerate would let processes run unjoined."""
    return device == "cpu" or not torch.accelerator.is_available()


class Trainer:
    """One run of a task: `run()` trains to the end and gives the progress; everything on disk is in `recipe.run.folder`."""

    def __init__(self, task: Task, recipe: Recipe):
        from accelerate import Accelerator, DistributedDataParallelKwargs
        from diffusers.training_utils import EMAModel

        run, learning = recipe.run, recipe.learning
        if run.threads:
            torch.set_num_threads(run.threads)
        self.task, self.recipe, self.folder = task, recipe, run.folder
        self.accelerator = Accelerator(
            mixed_precision=run.precision,
            cpu=on_cpu(run.device),
            # A batch whose rows all lost a condition leaves the parameters behind it without a gradient.
            kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=True)],
        )
        self.origin = {"started_from": start_from(task, run.start, run.relearn, run.anew)} if run.start else {}
        learns = [p for p in task.model.parameters() if p.requires_grad]
        betas = (learning.beta1, learning.beta2)
        optimizer = torch.optim.AdamW(learns, learning.rate, betas, weight_decay=learning.weight_decay, fused=True)
        self.model, self.optimizer = self.accelerator.prepare(task.model, optimizer)
        self.learns = [p for p in self.plain.parameters() if p.requires_grad]
        self.buffers = [b for b in self.plain.buffers() if b.is_floating_point()]
        self.ema = Average(EMAModel(self.learns, decay=learning.ema_decay), self.learns, self.buffers)
        self.progress = Progress()
        self._resume()

    @property
    def plain(self) -> nn.Module:
        """The model without accelerate's wrapping."""
        return self.accelerator.unwrap_model(self.model)

    def run(self) -> Progress:
        """Train to the end of the recipe; on Ctrl-C or SIGTERM keep a checkpoint and raise RunInterrupted."""
        recipe, stop = self.recipe, Interrupt()
        saved = looked = self.progress.seconds
        with stop, self._batches() as batches, self._log_file() as log:
            while not self.progress.over(recipe) and not stop.asked:
                began = time.perf_counter()
                share = self.progress.share(recipe)
                logs = self._step(batches, share)
                seconds, stop.asked = self._agreed(time.perf_counter() - began, stop.asked)
                self._advance(logs.pop("frames"), seconds)
                if self.progress.step % recipe.log.every_steps == 0 or self.progress.step == 1:
                    self._write(log, logs)
                if self.progress.seconds - looked > 60 * recipe.log.sheet_minutes:
                    looked = self.progress.seconds
                    self.look(log)
                if self.progress.seconds - saved > 60 * recipe.log.checkpoint_minutes:
                    saved = self.progress.seconds
                    self.save()
            self.save()
            if stop.asked:
                raise RunInterrupted(f"Stopped after step {self.progress.step}.", do="Run the same command to go on.")
            self.look(log)
        if recipe.run.weights:
            self.export(recipe.run.weights)
        return self.progress

    def save(self) -> None:
        """Write the checkpoint, and the averaged weights beside it for whoever wants to try them."""
        if not self.accelerator.is_main_process:
            return
        state = {
            "model": self.plain.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "ema": self.ema.state_dict(),
            "progress": asdict(self.progress),
        }
        save_checkpoint(self.folder / "checkpoint.pt", state)
        self.export(self.folder / "ema.safetensors")

    def export(self, path: Path) -> None:
        """Write the averaged weights as bf16 safetensors with their header."""
        if not self.accelerator.is_main_process:
            return
        with self.ema:
            export_weights(path, self.plain.state_dict(), self._header())

    def look(self, log) -> None:
        """Show the averaged weights to the task's sheet; keep the best by the number that the recipe names."""
        if not self.accelerator.is_main_process:
            return
        with self.ema, torch.no_grad():
            picture, numbers = self.task.sheet(self.plain)
        if picture is not None:
            self._picture(picture)
        self._write(log, {f"sheet_{name}": value for name, value in numbers.items()})
        best = numbers.get(self.recipe.log.best or "", -math.inf)
        if best > self.progress.best:
            self.progress = replace(self.progress, best=float(best))
            self.export(self.folder / "best.safetensors")

    def _step(self, batches: Callable[[int], Batch], share: float) -> dict[str, Any]:
        learning, step = self.recipe.learning, self.progress.step
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(learning, step, share)
        totals: dict[str, Any] = {"frames": 0}
        for part in range(learning.accumulate):
            batch = batches(step * learning.accumulate + part)
            totals["frames"] += self.task.frames(batch) * self.accelerator.num_processes
            batch = {name: tensor.to(self.accelerator.device) for name, tensor in batch.items()}
            torch.manual_seed(self._seed(step * learning.accumulate + part))
            with self.accelerator.autocast():
                loss, logs = self.task.loss(self.model, batch, share)
            self.accelerator.backward(loss / learning.accumulate)
            totals |= {"loss": loss.detach(), **logs}
        totals["gradient"] = self.accelerator.clip_grad_norm_(self.learns, learning.clip_norm)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.ema.step()
        return totals

    def _seed(self, index: int) -> int:
        key = (self.recipe.run.seed, self.accelerator.process_index, index)
        return int(np.random.SeedSequence(key).generate_state(1)[0])

    def _batches(self) -> Batches:
        first = self.progress.step * self.recipe.learning.accumulate
        return Batches(lambda k: self._make(k), first, self.recipe.run.prefetch)

    def _make(self, index: int) -> Batch:
        share = (
            self.progress.share(self.recipe)
            if self.recipe.learning.by == "minutes"
            else min(1.0, index / (self.recipe.run.steps * self.recipe.learning.accumulate))
        )
        return self.task.batch(np.random.default_rng(self._seed(index)), share)

    def _advance(self, frames: int, seconds: float) -> None:
        now = self.progress
        self.progress = replace(now, step=now.step + 1, frames=now.frames + frames, seconds=now.seconds + seconds)

    def _agreed(self, seconds: float, asked: bool) -> tuple[float, bool]:
        """The first process's clock and wish to stop, in all processes: they must end at the same step."""
        from accelerate.utils import broadcast

        mine = torch.tensor([seconds, float(asked)], dtype=torch.float64, device=self.accelerator.device)
        seconds, asked = broadcast(mine).tolist()
        return seconds, bool(asked)

    def _resume(self) -> None:
        state = load_checkpoint(self.folder / "checkpoint.pt")
        if state is None:
            return
        self.plain.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.ema.load_state_dict(state["ema"], self.accelerator.device)
        self.progress = Progress(**state["progress"])
        _forget_after(self.folder / "log.jsonl", self.progress.step)

    def _header(self) -> dict[str, Any]:
        seen = {"frames_seen": self.progress.frames, "steps": self.progress.step, "hours": self.progress.seconds / 3600}
        made = {"recipe": self.recipe.text, **seen, "commit": commit(), **self.origin}
        return {"kind": self.recipe.kind, **self.task.header(), **made}

    def _log_file(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        return open(self.folder / "log.jsonl", "a", buffering=1)

    def _write(self, log, numbers: dict[str, Any]) -> None:
        now = self.progress
        line = {"step": now.step, "frames": now.frames, "hours": round(now.seconds / 3600, 5)}
        line |= {name: _number(value) for name, value in numbers.items()}
        if self.accelerator.is_main_process:
            log.write(json.dumps(line) + "\n")
            print("  ".join(f"{k} {v}" for k, v in line.items()), flush=True)

    def _picture(self, picture: np.ndarray) -> None:
        from PIL import Image

        folder = self.recipe.log.sheet_folder or self.folder / "sheets"
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(folder / f"{self.recipe.kind}-{self.progress.step:07d}.png")


def _number(value: float | torch.Tensor) -> float:
    return round(value.item() if isinstance(value, torch.Tensor) else float(value), 6)


def _forget_after(path: Path, step: int) -> None:
    """Drop the log lines that a resumed run will write again."""
    if path.exists():
        lines = [line for line in _lines(path) if json.loads(line)["step"] <= step]
        path.write_text("".join(line + "\n" for line in lines))


def _lines(path: Path) -> Iterator[str]:
    for line in path.read_text().splitlines():
        if line.endswith("}"):  # a killed run may leave half a line
            yield line
