"""Word encoders that others trained: CLIP's text half for the published networks, and any sentence encoder.

Both are read when the first text is embedded: a video without prompts never waits for them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor

from longtake.encoders.words import Words, load_words
from longtake.errors import PromptError, WeightsError, WeightsMismatch, WeightsMissing, missing

if TYPE_CHECKING:
    from transformers import CLIPTextModel, PreTrainedModel, PreTrainedTokenizerBase

Loaded = TypeVar("Loaded")
ENCODER, TOKENIZER = "text_encoder", "tokenizer"
SOURCE = "stable-diffusion-v1-5/stable-diffusion-v1-5"


class ClipWords:
    """CLIP's text encoder (ViT-L/14, the one of Stable Diffusion 1.5): the pooled embedding of a prompt, as in the paper.

    `folder` holds `text_encoder/` and `tokenizer/`, as that repository does.
    """

    def __init__(self, folder: Path):
        self.folder = Path(folder)

    @cached_property
    def model(self) -> CLIPTextModel:
        """The network, float32."""
        try:
            from transformers import CLIPTextModel
        except ImportError as error:
            raise missing("transformers", "hallo2", "The published word encoder") from error
        self._expect(ENCODER, "config.json")
        return _read(self.folder, lambda: CLIPTextModel.from_pretrained(
            str(self.folder / ENCODER), local_files_only=True, dtype=torch.float32
        ).eval().requires_grad_(False))  # fmt: skip

    @cached_property
    def tokenizer(self) -> Any:
        """What cuts a text into CLIP's pieces."""
        try:
            from transformers import CLIPTokenizer
        except ImportError as error:
            raise missing("transformers", "hallo2", "The published word encoder") from error
        self._expect(TOKENIZER, "")
        return _read(self.folder, lambda: CLIPTokenizer.from_pretrained(
            str(self.folder / TOKENIZER), local_files_only=True
        ))  # fmt: skip

    @property
    def width(self) -> int:
        return self.model.config.hidden_size

    @torch.inference_mode()
    def embed(self, texts: Sequence[str]) -> Float[Tensor, "t d"]:
        """The pooled embedding of each text; raises PromptError for one that CLIP would cut off."""
        rows = [self._cut(text) for text in texts]
        pooled = [self.model(torch.tensor([row])).pooler_output[0] for row in rows]
        return torch.stack(pooled) if pooled else torch.zeros(0, self.width)

    def unknown(self, text: str) -> list[str]:
        """Nothing: CLIP spells what it never met, and does not tell."""
        return []

    def _cut(self, text: str) -> list[int]:
        return _expect_short(text, self.tokenizer(text)["input_ids"], self.model.config.max_position_embeddings)

    def _expect(self, part: str, name: str) -> None:
        if not (self.folder / part / name).exists():
            raise WeightsMissing(
                f"There is no word encoder in {self.folder}: {Path(part, name)} is missing.",
                expected=f"the folders {ENCODER} and {TOKENIZER} of {SOURCE} (CLIP ViT-L/14)",
                do=f"hf download {SOURCE} --include '{ENCODER}/config.json' '{ENCODER}/model.safetensors' '{TOKENIZER}/*' "
                f"--local-dir {self.folder}; or animate without prompts",
            )


class SentenceWords:
    """Any sentence encoder by its model id or folder (MiniLM and its like): the mean of its last layer, of mean square 1."""

    def __init__(self, model_id: str = "sentence-transformers/all-MiniLM-L6-v2"):
        self.model_id = model_id

    @cached_property
    def parts(self) -> tuple[PreTrainedTokenizerBase, PreTrainedModel]:
        """Its tokenizer and its network, float32; from the hub's cache, or fetched."""
        try:
            from transformers import AutoModel, AutoTokenizer
        except ImportError as error:
            raise missing("transformers", "words", "A sentence encoder") from error
        return _read(Path(self.model_id), lambda: (
            AutoTokenizer.from_pretrained(self.model_id),
            AutoModel.from_pretrained(self.model_id, dtype=torch.float32).eval().requires_grad_(False),
        ))  # fmt: skip

    @property
    def width(self) -> int:
        return self.parts[1].config.hidden_size

    @torch.inference_mode()
    def embed(self, texts: Sequence[str]) -> Float[Tensor, "t d"]:
        tokenizer, model = self.parts
        longest = model.config.max_position_embeddings
        rows = [_expect_short(text, tokenizer(text)["input_ids"], longest) for text in texts]
        means = [model(torch.tensor([row])).last_hidden_state[0].mean(0) for row in rows]
        whole = torch.stack(means) if means else torch.zeros(0, self.width)
        return torch.nn.functional.rms_norm(whole, (self.width,))

    def unknown(self, text: str) -> list[str]:
        """Nothing: it spells what it never met, and does not tell."""
        return []


def words_called(name: str) -> Words:
    """The word encoder by name: a weight file of ours, a folder with CLIP, or the id of a sentence encoder."""
    if name.endswith(".safetensors"):
        return load_words(Path(name))
    return ClipWords(Path(name)) if (Path(name) / ENCODER).exists() else SentenceWords(name)


def _read(place: Path, reading: Callable[[], Loaded]) -> Loaded:
    """What was read; whatever goes wrong in there, as one of our errors."""
    try:
        return reading()
    except WeightsError:
        raise
    except Exception as error:  # no network, a cut file, another network: each fails in its own way
        said = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise WeightsMismatch(
            f"The word encoder {place} can't be read: {said}",
            expected="a network and its tokenizer as their makers published them",
            do="fetch it again, or animate without prompts",
        ) from error


def _expect_short(text: str, row: list[int], longest: int) -> list[int]:
    if len(row) > longest:
        raise PromptError(
            f"The prompt '{text[:40]}...' is {len(row)} pieces of words long.",
            expected=f"at most {longest}, which is as far as its encoder reads",
            do="say it shorter; changes over time belong into prompts of their own",
        )
    return row
