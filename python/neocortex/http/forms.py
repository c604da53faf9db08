"""Query and form parameters as Go's `net/url` and `net/http` read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neocortex.http._http import parse_form

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Form:
    """Parameters by name, each with its values in the order sent (`match[]` repeats).

    `error` is what Go's `ParseForm` would have complained about (`invalid URL escape "%zz"`, `invalid semicolon
    separator in query`), or None. As in Go the well-formed pairs are there all the same: where Cortex calls
    `ParseForm`, as the query endpoints do, that text is a plain 400; where it calls `FormValue`, it is ignored.
    """

    __slots__ = ("_values", "error")

    def __init__(self, values: Mapping[str, list[str]], error: str | None = None) -> None:
        self._values = values
        self.error = error

    @classmethod
    def parse(cls, encoded: str | bytes) -> Form:
        """Reads `application/x-www-form-urlencoded` text; bytes that are not UTF-8 become U+FFFD."""
        values, error = parse_form(encoded)
        return cls(values, error)

    def get(self, name: str, default: str = "") -> str:
        """The first value of `name`, as Go's `FormValue`."""
        values = self._values.get(name)
        return values[0] if values else default

    def get_all(self, name: str) -> list[str]:
        """All values of `name`, in the order sent; an empty list when there is none."""
        return self._values.get(name, [])

    def merged_before(self, query: Form) -> Form:
        """This body's values, each name followed by the URL query's: the order of Go's `Request.Form`."""
        values = {name: list(own) for name, own in self._values.items()}
        for name, more in query._values.items():
            values.setdefault(name, []).extend(more)
        return Form(values, self.error or query.error)

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def items(self) -> Iterator[tuple[str, list[str]]]:
        """Names with all their values."""
        return iter(self._values.items())

    def __repr__(self) -> str:
        return f"Form({dict(self._values)!r}, error={self.error!r})"
