"""Settings: precedence, validation, and errors that say what was meant."""

import runpy
from pathlib import Path

import pytest
from pydantic import ValidationError

from longtake.errors import SettingsError
from longtake.presets import PRESETS, preset
from longtake.settings import Settings, read_toml


def test_a_set_lies_over_the_toml_file_which_lies_over_the_preset(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text("[sampling]\nsteps = 20\nseed = 3\n")
    base = preset("hallo2").settings
    settings = Settings.from_toml(file, base).apply_set("sampling.seed=9")
    assert (settings.sampling.steps, settings.sampling.seed) == (20, 9)
    assert settings.motion == base.motion and settings.sampling.scheduler == base.sampling.scheduler


def test_values_of_a_set_are_read_like_toml_and_bare_words_are_text():
    settings = Settings().apply_set(
        "sampling.scheduler=unipc", "guidance.speech=2", "motion.keep_face=true", "portrait.face=3", "run.device='cpu'"
    )
    assert settings.sampling.scheduler == "unipc" and settings.guidance.speech == 2.0
    assert settings.motion.keep_face is True and settings.portrait.face == 3 and settings.run.device == "cpu"
    assert settings.apply_set("portrait.face=none").portrait.face is None


@pytest.mark.parametrize(
    ("assignment", "told"),
    [
        ("sampling.stpes=3", "did you mean 'steps'?"),
        ("smapling.steps=3", "did you mean 'sampling'?"),
        ("sampling.steps=0", "greater than or equal to 1"),
        ("sampling.steps=many", "sampling.steps = 'many'"),
        ("sampling=3", "sampling = 3"),
        ("sampling.steps", "is not a setting"),
        ("sampling..steps=3", "is not a setting"),
        ("guidance.speech=nan", "finite"),
        ("portrait.size_px=100", "multiple of 16"),
        ("run.decode_frames.x=1", "run.decode_frames"),
    ],
)
def test_a_wrong_setting_is_named_in_the_error(assignment, told):
    with pytest.raises(SettingsError) as error:
        Settings().apply_set(assignment)
    assert told in str(error.value)


def test_a_missing_or_broken_file_is_a_settings_error(tmp_path):
    (tmp_path / "broken.toml").write_text("steps = = 3")
    for path in (tmp_path / "none.toml", tmp_path / "broken.toml", tmp_path):
        with pytest.raises(SettingsError):
            read_toml(path)


def test_settings_can_not_be_changed_in_place():
    settings = Settings()
    with pytest.raises(ValidationError):
        settings.sampling.steps = 3
    assert settings.apply_set("sampling.steps=3") != settings == Settings()


def test_every_setting_has_a_description():
    for section in Settings.model_fields.values():
        for name, field in section.annotation.model_fields.items():
            assert field.description, name


def test_an_unknown_preset_says_which_there_are():
    with pytest.raises(SettingsError, match="did you mean 'mini'"):
        preset("mimi")
    assert [preset(name).name for name in PRESETS] == list(PRESETS)


def test_the_published_preset_keeps_the_released_choices():
    settings = preset("hallo2").settings
    assert (settings.portrait.size_px, settings.sampling.steps, settings.sampling.beta_schedule) == (512, 40, "linear")
    assert (settings.motion.frames, settings.motion.patch_px, settings.motion.share_mask) == (2, 1, True)
    assert settings.reference.pairing == "published" and settings.sampling.zero_snr


def test_the_page_of_settings_is_current():
    """`make settings` writes it."""
    docs = Path(__file__).parents[2] / "docs"
    page = runpy.run_path(str(docs / "make_settings.py"))["page"]
    assert (docs / "settings.md").read_text() == page()
