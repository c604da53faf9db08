"""Tables of figures, printed when all benchmarks are done."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass
class Table:
    """Rows of text and numbers under one question."""

    question: str
    columns: Sequence[str]
    rows: list[tuple[object, ...]] = field(default_factory=list)

    def add(self, *row: object) -> None:
        """One cell a column; numbers are shown with three digits that count, at least all before the point."""
        assert len(row) == len(self.columns)
        self.rows.append(row)

    def lines(self) -> list[str]:
        """The table as text, columns aligned."""
        cells = [list(self.columns), *([_shown(cell) for cell in row] for row in self.rows)]
        widths = [max(len(row[i]) for row in cells) for i in range(len(self.columns))]
        shown = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]
        return [self.question, *(f"  {line}" for line in shown)]


def _shown(cell: object) -> str:
    if not isinstance(cell, float):
        return f"{cell:,}" if isinstance(cell, int) else str(cell)
    digits = 0 if abs(cell) >= 100 else 1 if abs(cell) >= 10 else 2 if abs(cell) >= 1 else 3
    return f"{cell:,.{digits}f}"
