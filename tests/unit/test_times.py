"""Times as people write them."""

import pytest

from longtake.errors import InputError
from longtake.times import clock, seconds_of


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("1:30", 90), ("1:30.5", 90.5), ("1:02:03", 3723), (".5", 0.5), (" 0:07 ", 7)]
)
def test_seconds_and_clocks_are_read(text, seconds):
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "1:90", "a", "-3", "1:2:3:4", "1:75:00", "1 30"])
def test_other_texts_are_refused_with_the_forms_that_are_read(text):
    with pytest.raises(InputError) as refused:
        seconds_of(text)
    assert "1:30" in str(refused.value)


@pytest.mark.parametrize(("seconds", "text"), [(90, "1:30"), (7.04, "0:07"), (7.06, "0:07.1"), (3723, "1:02:03")])
def test_a_time_is_told_as_a_clock(seconds, text):
    assert clock(seconds) == text
