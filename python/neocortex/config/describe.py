"""What each option is for, in a sentence: the texts of -help and of the reference page.

Kept apart from the schema, in `descriptions.txt`, because a server that starts needs none of them. A line is a
section's class, a dot, the option's name, a colon and the text; a star stands for any class; flags without a place in
the configuration stand under their own name.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

from neocortex.config.schema import Config

if TYPE_CHECKING:
    from neocortex.config.option import Section
    from neocortex.config.registry import Entry


def describe(entry: Entry) -> str:
    """The text of an option; empty when there is none."""
    section: type[Section] = Config
    for name in entry.attributes:
        member = section.member(name)
        section = member.cls  # type: ignore[union-attr]
    return describe_member(section, entry.option.name)


def describe_member(section: type[Section], name: str) -> str:
    """The text of a section's option, from the class that declares it."""
    texts = _texts()
    for cls in section.__mro__:
        text = texts.get(f"{cls.__name__}.{name}")
        if text is not None:
            return text
    return texts.get(f"*.{name}", "")


def describe_flag(name: str) -> str:
    """The text of a flag without a place in the configuration."""
    return _texts().get(f"-{name}", "")


@lru_cache(maxsize=1)
def _texts() -> dict[str, str]:
    content = files("neocortex.config").joinpath("descriptions.txt").read_text()
    texts: dict[str, str] = {}
    for line in content.splitlines():
        if line and not line.startswith("#"):
            key, _, text = line.partition(": ")
            texts[key] = text
    return texts
