"""The error tree: complete, documented, and with an exit code for each branch."""

import inspect

import pytest

from longtake import errors
from longtake.errors import LongtakeError, NoFace, WeightsMissing

TREE = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, LongtakeError)]


@pytest.mark.parametrize("kind", TREE, ids=lambda kind: kind.__name__)
def test_each_error_is_exported_and_drawn_in_the_tree(kind):
    assert kind.__name__ in errors.__all__
    assert kind.__name__ in (inspect.getdoc(errors) or "")
    assert 400 <= kind.http_status < 600


def test_each_branch_has_its_own_exit_code_and_its_twigs_share_it():
    branches = LongtakeError.__subclasses__()
    codes = [branch.exit_code for branch in branches]
    assert len(set(codes)) == len(codes) and not {0, 1, 2} & set(codes)
    for branch in branches:
        assert all(twig.exit_code == branch.exit_code for twig in branch.__subclasses__())


def test_a_message_says_what_was_seen_what_was_expected_and_what_to_do():
    error = NoFace("No face in me.png.", expected="one face", do="crop the picture")
    assert str(error).splitlines() == ["No face in me.png.", "Expected: one face", "Next: crop the picture"]
    assert str(WeightsMissing("Gone.")) == "Gone."


def test_a_missing_package_names_the_extra_that_brings_it():
    assert "pip install 'longtake[train]'" in str(errors.missing("accelerate", "train", "Training"))
