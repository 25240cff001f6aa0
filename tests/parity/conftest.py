import published
import pytest


@pytest.fixture(scope="session")
def animation():
    """The published networks at the width of the golden arrays."""
    return published.tiny_animation()
