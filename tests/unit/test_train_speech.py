"""Packed sound and its labels; the speech task learns on a sound it can tell apart."""

import csv
import json

import numpy as np
import pytest
import torch

from longtake.errors import CorpusError
from longtake.train.loop import Trainer
from longtake.train.recipe import Recipe
from longtake.train.sounds import UNLABELLED, SoundStore, pack_sounds
from longtake.train.speech import SpeechTask

PHONES = {"sil": ["sil"], "aI": ["aa", "ih"], "s": ["SS"]}
VISEMES = ["sil", "PP", "FF", "TH", "DD", "kk", "CH", "SS", "nn", "RR", "aa", "E", "ih", "oh", "ou"]
SPOKEN = [["sil", 0.0, 0.5], ["aI", 0.5, 1.5], ["s", 1.5, 2.0], ["sil", 2.0, 3.0]]


def voice(rate: int) -> np.ndarray:
    """Half a second of silence, a second of hum, half a second of hiss, a second of silence."""
    rng = np.random.default_rng(0)
    t = np.arange(3 * rate) / rate
    hum, hiss = 0.3 * np.sign(np.sin(2 * np.pi * 150 * t)), 0.2 * rng.standard_normal(len(t))
    return np.where((t >= 0.5) & (t < 1.5), hum, np.where((t >= 1.5) & (t < 2.0), hiss, 0.0)).astype(np.float32)


@pytest.fixture
def packed(tmp_path):
    soundfile = pytest.importorskip("soundfile")
    speech, real = tmp_path / "speech", tmp_path / "librispeech"
    speech.mkdir(), real.mkdir()
    phones = {"visemes": [{"name": n, "index": k} for k, n in enumerate(VISEMES)]}
    phones["phones"] = {name: {"visemes": visemes} for name, visemes in PHONES.items()}
    (speech / "phones.json").write_text(json.dumps(phones))
    rows = []
    for k, split in enumerate(("train", "train", "test_voice", "test_text", "test_both")):
        soundfile.write(speech / f"{k}.wav", voice(24000), 24000)
        rows.append({"file": f"{k}.wav", "voice": "v", "split": split, "phonemes": SPOKEN})
    (speech / "speech.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    soundfile.write(real / "r.wav", voice(16000), 16000)
    with open(real / "librispeech.csv", "w", newline="") as table:
        writer = csv.DictWriter(table, ["file", "speaker", "split"])
        writer.writeheader()
        writer.writerow({"file": "r.wav", "speaker": "9", "split": "train"})
    assert pack_sounds(tmp_path, tmp_path / "packed") == 6
    return tmp_path / "packed"


def test_packed_sound_is_16_khz_whatever_it_was(packed):
    store = SoundStore(packed)
    assert {u.samples for u in store.utterances} == {48000}
    samples = store.cut(store.split("train")[0], 8000, 16000)
    assert np.abs(samples).mean() > 0.2


def test_a_cut_past_the_ends_is_silence(packed):
    store = SoundStore(packed)
    last = store.split("test_both")[0]
    assert not store.cut(last, -500, 400).any() and not store.cut(last, 48000, 400).any()
    assert len(store.cut(last, 47000, 4000)) == 4000


def test_labels_come_ten_milliseconds_late_and_a_diphthong_is_two_visemes(packed):
    store = SoundStore(packed)
    times = np.array([-1.0, 0.505, 0.515, 1.0, 1.02, 1.505, 1.515, 2.005, 2.02, 9.0])
    phonemes, visemes = store.labels(store.split("train")[0], times)
    assert phonemes.tolist() == [0, 0, 1, 1, 1, 1, 2, 2, 0, 0]
    assert [VISEMES[v] for v in visemes] == ["sil", "sil", "aa", "aa", "ih", "ih", "SS", "SS", "sil", "sil"]


def test_real_speech_has_no_labels(packed):
    store = SoundStore(packed)
    phonemes, visemes = store.labels(store.split("train", labelled=False)[0], np.array([0.0, 1.0]))
    assert (phonemes == UNLABELLED).all() and (visemes == UNLABELLED).all()


def test_a_folder_without_sound_says_how_to_make_it(tmp_path):
    with pytest.raises(CorpusError, match=r"longtake\.train\.pack sounds"):
        SoundStore(tmp_path)


def recipe(packed, folder, steps=60):
    sizes = {"mels": 80, "width": 32, "blocks": 2, "kernel": 5, "taps": [1, 2], "phonemes": 3}
    return Recipe.checked(
        {
            "kind": "speech",
            "run": {"folder": folder, "steps": steps, "precision": "no", "device": "cpu"},
            "learning": {"rate": 3e-3, "warmup_steps": 5, "ema_decay": 0.9},
            "sizes": sizes,
            "data": {"folder": str(packed), "seconds": 2.0, "batch": 4, "unlabelled": 0.25},
        }
    )


def test_labels_of_a_batch_lie_on_the_sound_they_name(packed, tmp_path):
    """Where a window is labelled hum or hiss it is loud, where it is labelled silence it is quiet, at any speed."""
    task = SpeechTask(recipe(packed, tmp_path))
    for seed in range(6):
        _, clean, phonemes, _, openness = task._window(task.labelled, np.random.default_rng(seed))
        middles = 200 + 320 * np.arange(len(phonemes))
        loud = np.array([np.abs(clean[max(0, m - 100) : m + 100]).mean() > 0.04 for m in middles])
        assert (loud == (phonemes > 0)).mean() > 0.96  # all but the 10 ms at the edges
        assert openness[phonemes == 1].mean() > openness[phonemes == 0].mean() + 0.2


def test_a_short_run_lowers_the_loss_and_learns_to_tell_hum_from_hiss(packed, tmp_path):
    trainer = Trainer(SpeechTask(recipe(packed, tmp_path / "run")), recipe(packed, tmp_path / "run"))
    trainer.run()
    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    first, last = lines[0], lines[-1]
    assert last["sheet_test_both_clean_phoneme"] > 0.8
    assert first["loss"] > 2 * [line["loss"] for line in lines if "loss" in line][-1]
    assert last["sheet_probe_openness"] > 0.5


def test_the_real_windows_have_no_targets_before_the_model_is_sure(packed, tmp_path):
    task = SpeechTask(recipe(packed, tmp_path))
    batch = task.batch(np.random.default_rng(0), 0.0)
    assert len(batch["clean"]) == 1 and (batch["visemes"][0] == UNLABELLED).all()
    torch.manual_seed(0)
    early, _ = task.loss(task.model, batch, 0.0)
    batch["samples"][0] = 0  # the unlabelled row can't matter yet
    torch.manual_seed(0)
    again, _ = task.loss(task.model, batch, 0.0)
    assert torch.allclose(early, again)
