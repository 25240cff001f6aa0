import published
import published_files
import pytest


@pytest.fixture(scope="session")
def animation():
    """The published networks at the width of the golden arrays."""
    return published.tiny_animation()


@pytest.fixture(scope="session")
def published_folder(tmp_path_factory):
    """A small checkpoint in the published layout. Shared: link or copy what you change."""
    return published_files.write_published(tmp_path_factory.mktemp("published"))
