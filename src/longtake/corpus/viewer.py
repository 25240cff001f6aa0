"""Captions by a vision-language model that looks at frames, put into the paper's form by a language model (paper 4.1).

Any model of the hub that transformers can run: the paper used MiniCPM-V and Llama 3.1. Nothing is loaded before the first clip.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import Any

from longtake.corpus.describe import EASE, Clip
from longtake.errors import CorpusError, WeightsMissing, missing

PIECE_S = 2.0
WORDS = 60
LOOK = (
    "Describe the person and what the face does: age, hair, then expression, eyes, eyebrows, mouth, where the eyes look, "
    "how the head is turned or tilted. Left and right are those of the picture. One short sentence."
)
REFINE = (
    "Rewrite this description of a talking face as one line of the form '{human}, {expression}', like 'a middle-aged man "
    "with grey hair, smiling broadly, head tilted to the left'. Only what is said here, no other words.\n\n"
)
Pipeline = Callable[..., Any]


class Viewer:
    """Captions of a model, one for every two seconds of a clip; `refiner` is a language model, or empty for none."""

    def __init__(self, model: str, refiner: str = "", load: Callable[[str, str], Pipeline] | None = None) -> None:
        self.model, self.refiner, self.load = model, refiner, load or load_pipeline

    def captions(self, clips: Iterable[Clip]) -> Iterator[tuple[str, dict[str, Any]]]:
        """The texts of each clip."""
        for row, frames in clips:
            step = max(1, round(PIECE_S * row["fps"]))
            starts = list(range(0, max(len(frames) - step // 2, 1), step))
            stops = [*starts[1:], len(frames)]
            texts = [(a, b, self.say(frames[(a + b) // 2])) for a, b in zip(starts, stops, strict=True)]
            yield row["id"], {"texts": texts, "ease": EASE}

    def say(self, frame: Any) -> str:
        """What the models say of one frame, on one line."""
        from PIL import Image

        shown = [{"type": "image", "image": Image.fromarray(frame)}, {"type": "text", "text": LOOK}]
        text = _answer(self._looks(text=[{"role": "user", "content": shown}], **ASKED))
        if self.refiner:
            text = _answer(self._writes([{"role": "user", "content": REFINE + text}], **ASKED))
        if not text:
            raise CorpusError(
                f"{self.model} says nothing of a frame.", do="choose another --captioner, or leave it out"
            )
        return text

    @cached_property
    def _looks(self) -> Pipeline:
        return self.load("image-text-to-text", self.model)

    @cached_property
    def _writes(self) -> Pipeline:
        return self.load("text-generation", self.refiner)


ASKED = {"max_new_tokens": WORDS, "do_sample": False, "return_full_text": False}


def load_pipeline(task: str, model: str) -> Pipeline:
    """A pipeline of transformers; says what to do where the package or the weights are missing."""
    try:
        from transformers import pipeline
    except ImportError as error:
        raise missing("transformers", "hallo2", "Captioning by a model") from error
    try:
        return pipeline(task, model=model)  # pyright: ignore[reportCallIssue, reportArgumentType]
    except (OSError, ValueError, KeyError) as error:
        raise WeightsMissing(
            f"The model '{model}' can't be loaded for {task}: {next(iter(str(error).splitlines()), type(error).__name__)}",
            expected="a model id of the hub or a folder, that transformers runs without code of its own",
            do=f"hf download {model}, or leave --captioner out: rules need no model",
        ) from error


def _answer(made: Any) -> str:
    """The text of a pipeline's answer: the last thing said, on one line."""
    said = made[0]["generated_text"]
    if isinstance(said, list):
        said = said[-1]["content"]
    return " ".join(str(said).split()).strip(" \"'.")
