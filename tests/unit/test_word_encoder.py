"""The small word encoder: what it reads of a text, what it passes over, and what it calls unknown."""

import pytest
import torch

from longtake.encoders.spelling import Vocabulary, edits, pieces, tokens
from longtake.encoders.words import MOST_WORDS, MiniWords, WordsNet, WordsSizes, header, load_words
from longtake.errors import PromptError, WeightsMismatch
from longtake.weights import files
from longtake.weights.ship import ship

WORDS = ("eyebrows", "grin", "happy", "left", "raised", "smiling", "turn")
EXPRESSIONS = ("smile", "turn_left")


def sizes(**other) -> WordsSizes:
    small = {"vocabulary": len(WORDS), "expressions": 2, "attributes": 1, "embedding": 16, "width": 8, "buckets": 64}
    return WordsSizes(**{**small, **other})


@pytest.fixture
def encoder() -> MiniWords:
    torch.manual_seed(0)
    return MiniWords(WordsNet(sizes()), WORDS, EXPRESSIONS)


def test_case_accents_quotes_and_hyphens_say_nothing():
    plain = [token.plain for token in tokens("wide eyed and dont smile, café")]
    assert [token.plain for token in tokens("“Wide-Eyed” AND don’t (smile); CAFE…")] == plain


def test_an_embedding_has_mean_square_one_and_ignores_case_and_stops_at_the_end(encoder):
    one, other = encoder.embed(["Smiling, TURN left!", "smiling, turn left"])
    assert one.square().mean().item() == pytest.approx(1, abs=1e-4)
    assert torch.equal(one, other)
    assert not torch.allclose(one, encoder.embed(["smiling, turn"])[0], atol=1e-2)


def test_a_text_has_the_same_numbers_alone_and_among_others(encoder):
    texts = ["smiling", "turn left and smiling with raised eyebrows, happy"]
    assert torch.equal(encoder.embed(texts)[:1], encoder.embed(texts[:1]))
    together = encoder.net(*encoder.vocabulary.numbers(texts))
    assert torch.allclose(together, encoder.embed(texts), atol=1e-5)  # padding is not looked at in training either


@pytest.mark.parametrize("text", ["", "  ", "...", "😀", "微笑", "\x00", "a" * 10_000])
def test_whatever_is_typed_has_a_finite_embedding(encoder, text):
    assert encoder.embed([text]).isfinite().all()


def test_no_texts_have_no_embeddings(encoder):
    assert encoder.embed([]).shape == (0, encoder.width)


def test_forms_and_misspellings_of_known_words_are_known_and_others_are_named_as_written(encoder):
    assert encoder.unknown("Smiles, SMILED; grinning happily, eyebrow rased, eyebrwos to the left") == []
    assert encoder.unknown("smiling like a Banana 😀, turnip, 微笑, banana") == [
        "like",
        "Banana",
        "😀",
        "turnip",
        "微笑",
        "banana",
    ]


def test_a_page_is_no_prompt(encoder):
    encoder.embed(["smiling " * MOST_WORDS])
    with pytest.raises(PromptError, match=f"{MOST_WORDS + 1} words"):
        encoder.embed(["smiling " * (MOST_WORDS + 1)])


def test_other_forms_of_a_word_share_most_of_its_pieces():
    smiling, smiled, winking = (set(pieces(word, 2**20)) for word in ("smiling", "smiled", "winking"))
    assert len(smiling & smiled) > 3 and len(smiling & smiled) > len(smiling & winking)


@pytest.mark.parametrize(
    ("one", "other", "count"), [("smile", "smile", 0), ("smile", "smlie", 1), ("wink", "blinks", 3)]
)
def test_edits_count_letters_and_swaps(one, other, count):
    assert edits(one, other) == edits(other, one) == count


def test_words_outside_the_vocabulary_keep_their_pieces():
    words, grams = Vocabulary(WORDS, 64).numbers(["sunny, left"])
    assert words[0].tolist() == [2, 1, 2, 3 + WORDS.index("left")]
    assert (grams[0, 1] < 64).any() and (grams[0, 2] == 64).all()


def test_a_shipped_encoder_reads_as_it_did(encoder, tmp_path):
    """In eight bits its numbers move by little."""
    files.write(tmp_path / "a.safetensors", encoder.net.state_dict(), header(encoder.net, WORDS, EXPRESSIONS))
    ship(tmp_path / "a.safetensors", tmp_path / "b.safetensors", eight_bits=True)
    loaded = load_words(tmp_path / "b.safetensors")
    assert torch.allclose(loaded.embed(["smiling"]), encoder.embed(["smiling"]), atol=0.1)
    assert loaded.unknown("smiling banana") == ["banana"]
    assert loaded.states(["smiling"])[0].keys() == set(EXPRESSIONS)


def test_a_file_whose_vocabulary_is_another_s_is_refused(encoder, tmp_path):
    files.write(tmp_path / "a.safetensors", encoder.net.state_dict(), header(encoder.net, WORDS[:3], EXPRESSIONS))
    with pytest.raises(WeightsMismatch, match="3 words"):
        load_words(tmp_path / "a.safetensors")
