"""The page of what prompts do: each expression told by its own videos, read back from the pieces."""

import json
from dataclasses import asdict

import prompts
from pieces import result_path

from longtake.evaluate.asking import Asked
from longtake.evaluate.expressions import TRUE
from longtake.evaluate.words import Moved, Reacted

CLIPS = (
    Asked(
        moved=[Moved("smile", "a", TRUE["smile"]), Moved("smile", "a", -1.0, unseen=True), Moved("nod", "a", 1.0)],
        reacted=[Reacted("smile", "a", 0.4, 0.9)],
        synced=[(0.5, 0.6)] * 3,
        alike=[(0.4, 0.3), (0.4, 0.3), (0.3, 0.3)],
    ),
    Asked(
        moved=[Moved("smile", "b", float("nan")), Moved("smile", "b", 2.0, unseen=True), Moved("nod", "b", -1.0)],
        reacted=[Reacted("smile", "b", float("inf"), 0.9)],
        synced=[(0.5, 0.6)] * 3,
        alike=[(0.4, 0.3), (0.4, 0.3), (0.3, 0.3)],
    ),
)


def test_each_expression_has_the_share_and_effect_of_its_own_videos_and_a_lost_face_counts_as_nothing(tmp_path):
    for index, clip in enumerate(CLIPS):
        path = result_path(tmp_path, prompts.name_of(index))
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(asdict(clip)))
    asked, clips = prompts.read_asked(tmp_path)
    assert clips == 2 and len(asked.moved) == 6
    smile, nod = prompts.table(asked)[2:]
    assert smile == f"| smile | 1 of 2 | {TRUE['smile'] / 2:.1f} | 0.50 | 1 of 2 | inf of 2 | 0.10 |"
    assert nod == "| nod | 1 of 2 | 0.0 | 0.00 | 0 of 0 |  | 0.00 |"


def test_the_rows_of_the_gates_stand_below_with_their_bars():
    rows = "\n".join(prompts.summary(CLIPS[0], 1))
    assert "| `words_lip_sync_loss` | 0.10 | <= 0.08 | **no** |" in rows
    assert "| `words_identity_rise` | 0.10 | <= 0.05 | **no** |" in rows
