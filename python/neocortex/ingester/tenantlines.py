"""Families that have some lines a tenant, which the native side writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import Self

    from neocortex import _native
    from neocortex.observe.exposition import TextForm

TENANTS_A_PART = 500
"""Tenants whose lines are written by one call: some ten thousand bytes a line."""


class TenantFamily:
    """A family as one scrape shows it, tenants ascending; `with_...` add lines to those of each tenant."""

    def __init__(self, figures: _native.Figures, pool: _native.Pool, kind: str, name: str, text: str) -> None:
        self.name = name
        self._figures = figures
        self._pool = pool
        self._kind = kind
        self._text = text
        self._lines: list[tuple[str, str, str, _native.Figure, bool]] = []
        """What follows the name, what is before and after the tenant in the braces, the value, and whether it counts.

        What counts is written without a fraction in every form.
        """

    def with_value(self, figure: _native.Figure, labels: str = "") -> Self:
        """A line of the family's name; `labels` come before that of the tenant, each with a comma behind it."""
        self._lines.append(("", labels, "", figure, False))
        return self

    def with_histogram(self, count: _native.Figure, total: _native.Figure) -> Self:
        """The lines of a histogram that has no bucket but the last, which is what Cortex shows of native ones."""
        self._lines.append(("_bucket", "", ',le="+Inf"', count, True))
        self._lines.append(("_sum", "", "", total, False))
        self._lines.append(("_count", "", "", count, True))
        return self

    async def parts(self, form: TextForm) -> AsyncIterator[bytes]:
        """The header, then the lines."""
        tenants = len(self._figures)
        if not tenants:
            return
        yield form.header(self._kind, self.name, self._text).encode()
        name = form.sample_name(self._kind, self.name)
        columns = [
            (f'{name}{suffix}{{{before}user="', f'"{after}}} ', figure, form.writes_fractions and not counts)
            for suffix, before, after, figure, counts in self._lines
        ]
        for first in range(0, tenants, TENANTS_A_PART):
            yield await self._figures.lines(self._pool, columns, first, first + TENANTS_A_PART)
