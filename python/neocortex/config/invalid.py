"""The error of a configuration that contradicts itself, and its context."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class InvalidConfig(ValueError):
    """The configuration contradicts itself or names something that does not exist."""


@contextmanager
def within(context: str) -> Iterator[None]:
    """Puts `context` and a colon before the text of an InvalidConfig raised inside."""
    try:
        yield
    except InvalidConfig as err:
        raise InvalidConfig(f"{context}: {err}") from None
