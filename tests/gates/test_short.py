"""The shipped model, in the short form of the gates: seconds of video, loose bars."""

from pathlib import Path

import pytest

from longtake.evaluate.cases import read_cases
from longtake.evaluate.controls import player_with
from longtake.evaluate.gates import SHORT_BARS, run_short

FIXTURES = Path(__file__).parents[1] / "fixtures" / "gates"


@pytest.mark.gate
@pytest.mark.slow
def test_the_shipped_model_speaks_with_the_portrait_s_face() -> None:
    rows = run_short(player_with(), read_cases(FIXTURES))
    assert {row.name for row in rows} == set(SHORT_BARS)
    missed = {row.name: round(row.value, 3) for row in rows if not row.passed}
    assert not missed, f"below even the loose bars: {missed}"
