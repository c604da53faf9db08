"""The reference page."""

from pathlib import Path

from neocortex.config.describe import describe_flag
from neocortex.config.flags import COMMAND_FLAGS, UNUSED_FLAGS
from neocortex.config.reference import reference, undescribed

PAGE = Path(__file__).parents[3] / "docs" / "configuration.md"


def test_page_is_that_of_the_schema() -> None:
    assert PAGE.read_text() == reference(), (
        "docs/configuration.md is stale: run python -m neocortex.config.reference docs/configuration.md"
    )


def test_every_option_is_described() -> None:
    assert undescribed() == []
    assert [name for name in (*COMMAND_FLAGS, *UNUSED_FLAGS, "config.file") if not describe_flag(name)] == []
