"""CLIP and sentence encoders, as networks of a few numbers; the real ones are loaded in the same way."""

import json

import pytest
import torch

from longtake.encoders.published_words import ClipWords, SentenceWords
from longtake.errors import MissingDependency, PromptError, WeightsMismatch, WeightsMissing

transformers = pytest.importorskip("transformers")
LETTERS = "abcdefghijklmnopqrstuvwxyz"


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A folder as Stable Diffusion 1.5 has them, of a network that spells every word."""
    folder = tmp_path_factory.mktemp("words")
    (folder / "tokenizer").mkdir()
    entries = [*LETTERS, *(f"{letter}</w>" for letter in LETTERS), "<|startoftext|>", "<|endoftext|>"]
    (folder / "tokenizer" / "vocab.json").write_text(json.dumps({entry: k for k, entry in enumerate(entries)}))
    (folder / "tokenizer" / "merges.txt").write_text("#version: 0.2\n")
    (folder / "tokenizer" / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "CLIPTokenizer"}))
    torch.manual_seed(0)
    config = transformers.CLIPTextConfig(
        vocab_size=len(entries), hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
        max_position_embeddings=77, bos_token_id=len(entries) - 2, eos_token_id=len(entries) - 1,
    )  # fmt: skip
    transformers.CLIPTextModel(config).save_pretrained(folder / "text_encoder")
    return folder


def test_clip_gives_the_pooled_embedding_of_each_text(clip):
    words = ClipWords(clip)
    one, other, again = words.embed(["smile", "turn left", "smile"])
    assert words.width == 16 and one.shape == (16,)
    assert torch.equal(one, again) and not torch.allclose(one, other, atol=1e-3)
    ids = words.tokenizer(
        ["smile"], padding="max_length", max_length=77, return_tensors="pt"
    )  # as the paper's pipeline does
    assert torch.allclose(one, words.model(ids["input_ids"]).pooler_output[0], atol=1e-5)


def test_clip_refuses_what_it_would_cut_off(clip):
    with pytest.raises(PromptError, match="at most 77"):
        ClipWords(clip).embed(["smile " * 60])


def test_without_its_files_clip_says_which_and_how_to_get_them(tmp_path):
    words = ClipWords(tmp_path)  # nothing is read yet: a video without prompts needs none of it
    with pytest.raises(WeightsMissing, match="hf download"):
        words.embed(["smile"])


def test_a_file_that_is_no_network_is_told(clip, tmp_path):
    (tmp_path / "text_encoder").mkdir()
    (tmp_path / "text_encoder" / "config.json").write_text("{")
    (tmp_path / "tokenizer").mkdir()
    with pytest.raises(WeightsMismatch, match="can't be read"):
        ClipWords(tmp_path).model  # noqa: B018


@pytest.mark.parametrize("make", [lambda: ClipWords("x").model, lambda: SentenceWords("x").parts])
def test_without_transformers_the_extra_is_named(make, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "transformers", None)
    with pytest.raises(MissingDependency, match="pip install 'longtake"):
        make()


def test_a_sentence_encoder_is_the_scaled_mean_of_its_last_layer(tmp_path):
    entries = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "smile", "left", "turn"]
    (tmp_path / "vocab.txt").write_text("\n".join(entries))
    transformers.BertTokenizer(str(tmp_path / "vocab.txt")).save_pretrained(tmp_path)
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(entries), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=8,
    )  # fmt: skip
    transformers.BertModel(config).save_pretrained(tmp_path)
    words = SentenceWords(str(tmp_path))
    one, other = words.embed(["Smile", "turn left"])
    assert words.width == 16 and one.square().mean().item() == pytest.approx(1, abs=1e-3)
    assert not torch.allclose(one, other, atol=1e-3)
    with pytest.raises(PromptError, match="at most 8"):
        words.embed(["smile " * 10])
