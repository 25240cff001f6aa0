"""Other people's programs: one copies the still portrait, one shifts the sound, one crashes; and the data they are given."""

import sys
import wave
from pathlib import Path

import av
import numpy as np
import pytest
from evaluated import clips
from films import film

from longtake.errors import CorpusError, InputError, SettingsError
from longtake.evaluate.kit.calling import Job, write_config
from longtake.evaluate.kit.datasets import in_split, load_items, split_hash
from longtake.evaluate.kit.inputs import pieces, prepare_inputs, prepare_item
from longtake.evaluate.kit.recipe import SystemPart, described, read_recipe
from longtake.evaluate.kit.running import run_system
from longtake.media.sound import read_sound

RECIPES = Path("recipes/eval")
STILL = f"""
import json, sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parent)!r})
from longtake.evaluate.kit.performing import hold
hold(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
"""


def quiet(text):
    pass


def puppet(folder, name="a", frames=10, click_s=0.2):
    """A clip whose sound is one click, and its WAV file."""
    folder.mkdir(parents=True, exist_ok=True)
    video = film(folder / f"{name}.mp4", [k * 0.04 for k in range(frames)], size=(64, 64))
    samples = np.zeros(round(frames * 0.04 * 16_000), np.int16)
    samples[round(click_s * 16_000) :][:40] = 20_000
    with wave.open(str(folder / f"{name}.wav"), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16_000)
        out.writeframes(samples.tobytes())
    return video


def jobs(tmp_path, *names):
    for name in names:
        puppet(tmp_path / "data", name)
    given, _ = prepare_inputs(load_items("puppets", tmp_path / "data"), tmp_path / "inputs", None, None)
    return [one.job for one in given]


def part(**told):
    return SystemPart.checked({"name": "it", **told})


def python(code):
    return f"{{python}} -c '{code}' {{portrait}} {{speech}} {{out}}"


def test_a_system_that_copies_the_still_portrait_gives_a_video_as_long_as_the_voice(tmp_path):
    (tmp_path / "still.py").write_text(STILL)
    command = f"{{python}} {tmp_path / 'still.py'} {{portrait}} {{speech}} {{out}}"
    outcome = run_system(part(command=command), jobs(tmp_path, "a"), tmp_path / "it", quiet)
    assert outcome.failed == {}
    with av.open(str(outcome.videos["a"])) as video:
        frames = [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
    assert len(frames) == 10
    assert max(np.abs(frame.astype(int) - frames[0]).max() for frame in frames) <= 2


def test_a_sound_that_the_system_shifted_stays_shifted_and_a_given_one_is_laid_under(tmp_path):
    """The system's video has its click 0.12 s late; judged is what it delivers, unless the recipe says otherwise."""
    late = puppet(tmp_path / "late", click_s=0.2)
    shifted = tmp_path / "shifted.mp4"
    from longtake.evaluate.kit.inputs import frames_of
    from longtake.evaluate.kit.normalising import write_frames

    puppet(tmp_path / "sounds", click_s=0.32)
    write_frames(frames_of(late), 25, shifted, tmp_path / "sounds" / "a.wav")
    command = python(f'import shutil, sys; shutil.copy("{shifted}", sys.argv[3])')
    given = jobs(tmp_path, "a")
    own = run_system(part(command=command), given, tmp_path / "own", quiet).videos["a"]
    laid = run_system(part(command=command, sound="given"), given, tmp_path / "given", quiet).videos["a"]

    def click(path):
        return float(np.argmax(np.abs(read_sound(path)))) / 16_000

    assert click(own) == pytest.approx(0.32, abs=0.02)
    assert click(laid) == pytest.approx(0.2, abs=0.02)


def test_a_system_that_crashes_is_told_with_its_last_words_and_the_others_go_on(tmp_path):
    given = jobs(tmp_path, "a", "b")
    command = python(
        'import sys, shutil; "/a.png" in sys.argv[1] and sys.exit("no GPU"); shutil.copy(sys.argv[2], sys.argv[3])'
    )
    outcome = run_system(part(command=command), given, tmp_path / "it", quiet)
    assert "exit code 1" in outcome.failed["a"]
    assert "no GPU" in outcome.failed["a"]
    assert "b" in outcome.failed  # a sound is no video
    empty = run_system(part(command=python("pass")), given, tmp_path / "empty", quiet)
    assert "there is no" in empty.failed["a"]
    gone = run_system(part(command="no-such-program {out}"), given, tmp_path / "gone", quiet)
    assert "can't be started" in gone.failed["a"]
    slow = run_system(
        part(command=python("import time; time.sleep(9)"), timeout_s=0.3), given[:1], tmp_path / "slow", quiet
    )
    assert "stopped after 0.3 s" in slow.failed["a"]


def test_a_video_is_made_once_for_the_same_inputs_and_again_for_others(tmp_path):
    given = jobs(tmp_path, "a")
    log, video = tmp_path / "log", given[0].video
    command = python(f'import shutil, sys; open("{log}", "a").write("x"); shutil.copy("{video}", sys.argv[3])')
    for _ in range(2):
        run_system(part(command=command), given, tmp_path / "it", quiet)
    assert log.read_text() == "x"
    run_system(part(command=command, size_px=32), given, tmp_path / "it", quiet)
    assert log.read_text() == "xx"


def test_a_crop_cuts_the_face_out_and_one_outside_is_told(tmp_path):
    given = jobs(tmp_path, "a")
    command = python(f'import shutil, sys; shutil.copy("{given[0].video}", sys.argv[3])')
    outcome = run_system(part(command=command, crop=[8, 0, 32, 32], size_px=48), given, tmp_path / "it", quiet)
    with av.open(str(outcome.videos["a"])) as video:
        assert (video.streams.video[0].width, video.streams.video[0].height) == (48, 48)
    wrong = run_system(part(command=command, crop=[40, 0, 32, 32]), given, tmp_path / "wrong", quiet)
    assert "does not lie in its frames" in wrong.failed["a"]


def test_one_call_for_all_clips_counts_what_it_made_before_it_crashed(tmp_path):
    given = jobs(tmp_path, "a", "b")
    code = 'import json, shutil, sys; a = json.load(open(sys.argv[1]))[0]; shutil.copy(a["video"], a["out"]); sys.exit("dead")'
    outcome = run_system(part(command=f"{{python}} -c '{code}' {{list}}", together=True), given, tmp_path / "it", quiet)
    assert outcome.videos.keys() == {"a"}
    assert "dead" in outcome.failed["b"]


def test_videos_that_are_already_there_are_taken_as_they_are(tmp_path):
    given = jobs(tmp_path, "a", "b")
    clips(tmp_path / "made", ["a"], sounds=1)
    outcome = run_system(part(videos=str(tmp_path / "made")), given, tmp_path / "it", quiet)
    assert outcome.videos["a"].read_bytes() == (tmp_path / "made" / "a.mp4").read_bytes()
    assert "There is no" in outcome.failed["b"]


def test_a_config_file_is_filled_in_and_an_unknown_name_is_refused(tmp_path):
    (tmp_path / "base.yaml").write_text("steps: 40\ntest_cases: {}\n")
    told = part(
        command="x",
        folder=str(tmp_path),
        config_base="base.yaml",
        config_set={"test_cases": {"{portrait}": ["{speech}"]}},
    )
    path = write_config(told, {"portrait": "p.png", "speech": "s.wav"}, tmp_path)
    assert path.read_text() == "steps: 40\ntest_cases:\n  p.png:\n  - s.wav\n"
    with pytest.raises(SettingsError, match="potrait"):
        write_config(part(command="x", config_set={"a": "{potrait}"}), {"portrait": "p"}, tmp_path)
    lost = part(command="x", folder=str(tmp_path / "nowhere"))
    with pytest.raises(SettingsError, match="should be installed"):
        run_system(lost, [], tmp_path / "it", quiet)


def test_the_descriptions_that_come_with_longtake_are_those_of_the_paper():
    assert {
        "audio2head",
        "sadtalker",
        "echomimic",
        "aniportrait",
        "hallo",
        "hallo2",
        "real_esrgan",
        "magvit2",
    } <= described().keys()


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.toml")), ids=lambda path: path.stem)
def test_every_recipe_can_be_read_and_shows_no_number_without_a_source(path):
    recipe = read_recipe(path)
    assert recipe.system
    assert not recipe.paper.get("row") or recipe.paper.get("source")


def test_recipes_with_mistakes_are_told(tmp_path):
    for text, expected in (
        ('[[system]]\nlike = "sadtalk"', "sadtalker"),
        ('[[system]]\nname = "a"', "neither a command nor videos"),
        ('[[system]]\ncommand = "x"', "no name"),
        ('[[system]]\nname = "a"\ncommand = "x"\n' * 2, "Two systems"),
        ('[data]\nkind = "lrs"', "kind"),
    ):
        (tmp_path / "r.toml").write_text(text)
        with pytest.raises(SettingsError, match=expected):
            read_recipe(tmp_path / "r.toml")


def test_the_usual_layouts_are_read_and_tell_who_is_who(tmp_path):
    hdtf, celebv, vfhq = tmp_path / "hdtf", tmp_path / "celebv", tmp_path / "vfhq"
    for folder, name in (
        (hdtf, "WDA_AdamSchiff_000"),
        (hdtf, "WDA_AdamSchiff_001"),
        (hdtf, "WRA_TimScott0_000"),
        (hdtf, "RD_Radio10_000"),
        (celebv / "clips", "-0BI9ZGIVfE_5"),
        (vfhq, "Clip+G0DGRma_p48+P0+C0+F11208-11383"),
    ):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.mp4").touch()
    (vfhq / "Clip+abc+P1+C2+F1-2").mkdir()
    (vfhq / "Clip+abc+P1+C2+F1-2" / "000.png").touch()
    assert [item.identity for item in load_items("hdtf", hdtf)] == [
        "RD_Radio10",
        "AdamSchiff",
        "AdamSchiff",
        "TimScott",
    ]
    assert [item.identity for item in load_items("celebv", celebv)] == ["-0BI9ZGIVfE"]
    assert [item.identity for item in load_items("vfhq", vfhq)] == ["G0DGRma_p48+P0", "abc+P1"]
    with pytest.raises(CorpusError, match="ADDRESS"):
        (tmp_path / "none").mkdir()
        load_items("celebv", tmp_path / "none")


def test_a_split_is_a_list_or_a_tenth_of_the_people_and_has_a_hash(tmp_path):
    (tmp_path / "d").mkdir()
    for k in range(60):
        for take in (0, 1):
            (tmp_path / "d" / f"WDA_Person{chr(65 + k % 26)}{chr(65 + k // 26)}_{take:03}.mp4").touch()
    items = load_items("hdtf", tmp_path / "d")
    tenth = in_split(items, "tenth")
    assert 0 < len(tenth) < 40
    assert len(tenth) == 2 * len({item.identity for item in tenth})  # people whole
    (tmp_path / "list.txt").write_text(f"{items[3].name}\n# not this\n{items[1].name}\n")
    chosen = in_split(items, str(tmp_path / "list.txt"))
    assert [item.name for item in chosen] == [items[3].name, items[1].name]
    assert split_hash(chosen) == split_hash(chosen[::-1]) != split_hash(items)
    (tmp_path / "list.txt").write_text("nobody\n")
    with pytest.raises(CorpusError, match="nobody"):
        in_split(items, str(tmp_path / "list.txt"))


def test_wild_clips_need_a_picture_and_a_voice(tmp_path):
    for name in ("a.png", "a.wav", "b.jpg"):
        (tmp_path / name).touch()
    assert [(item.name, item.video) for item in load_items("wild", tmp_path)] == [("a", None)]


def test_a_voice_is_looped_without_a_gap_to_exactly_the_length():
    parts = list(pieces(4.0, 10.0))
    assert parts == [(0.0, 4.0), (0.0, 4.0), (0.0, 2.0)]
    assert sum(stop - start for start, stop in pieces(0.7, 240.0)) == pytest.approx(240.0)


def test_inputs_are_a_first_frame_and_a_voice_and_what_has_none_is_told(tmp_path):
    puppet(tmp_path / "data")
    (item,) = load_items("puppets", tmp_path / "data")
    given = prepare_item(item, tmp_path, loop_s=1.0)
    with wave.open(str(given.job.speech)) as sound:
        assert sound.getnframes() == 16_000
    assert given.job.portrait.is_file()
    assert given.clip(tmp_path / "x.mp4", looped=True).real is None
    silent = film(tmp_path / "silent.mp4", [0, 0.04])
    from longtake.evaluate.kit.datasets import Item

    with pytest.raises(InputError):
        prepare_item(Item("s", "s", silent), tmp_path)
    assert prepare_item(Item("s", "s", silent), tmp_path, voices=False).job.speech is None
    with pytest.raises(CorpusError, match="None of 1 clips"):
        prepare_inputs([Item("s", "s", silent)], tmp_path / "in", None, None)


def test_a_job_names_its_files_in_full():
    from longtake.evaluate.kit.calling import Place, placeholders

    names = placeholders(
        part(command="x"), Job("a", Path("p.png"), Path("s.wav"), 2.0), Place(Path("it"), Job("a", Path("p"), None, 2))
    )
    assert Path(names["portrait"]).is_absolute()
    assert (names["python"], names["seconds"]) == (sys.executable, "2")
