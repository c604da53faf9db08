"""Queries that an operator refuses or prefers, by what they look like (`query_rejection`, `query_priority`).

Source: Cortex's `pkg/querier/tripperware/query_attribute_matcher.go`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from neocortex import _native
from neocortex.errors import NeocortexError
from neocortex.observe import get_logger

if TYPE_CHECKING:
    from neocortex.config.sections.limit_rules import (
        QueryAttribute,
        QueryStepLimit,
        TimeRangeLimit,
        TimeWindow,
    )
    from neocortex.config.sections.limits import Limits

MINUTE_MS = 60_000
EXPRESSION_OPS = ("query", "query_range")
LOOKUP_OPS = ("series", "labels", "label_values")

log = get_logger()


class QueryRejected(NeocortexError):
    """The operator does not want this query."""

    def __init__(self) -> None:
        super().__init__("This query does not perform well and has been rejected by the service operator.")


@dataclass(frozen=True, slots=True)
class Asked:
    """What rules look at; times in milliseconds, 0 for unknown."""

    op: str
    """`query`, `query_range`, `series`, `labels`, `label_values` or `metadata`."""
    texts: list[str]
    """The query, or the values of `match[]`."""
    first_ms: int
    last_ms: int
    now_ms: int
    step_ms: int | None = None
    """None when it cannot be read."""
    user_agent: str = ""
    dashboard: str = ""
    panel: str = ""


class QueryRules:
    """The rules of each tenant, their expressions compiled once."""

    def __init__(self) -> None:
        self._patterns: dict[str, _native.Pattern | None] = {}

    def check(self, limits: Limits, asked: Asked) -> None:
        """Raises `QueryRejected`."""
        rejection = limits.query_rejection
        if not rejection.enabled or asked.op not in EXPRESSION_OPS + LOOKUP_OPS or asked.texts == [""]:
            return
        if any(self._describes(attribute, asked) for attribute in rejection.query_attributes):
            raise QueryRejected

    def priority(self, limits: Limits, asked: Asked) -> int | None:
        """The greater one goes first; None where none is given."""
        rules = limits.query_priority
        if not rules.enabled or not rules.priorities or asked.texts == [""]:
            return None
        for rule in rules.priorities:
            if any(self._describes(attribute, asked) for attribute in rule.query_attributes):
                return rule.priority
        return rules.default_priority if asked.op in EXPRESSION_OPS else None

    def _describes(self, attribute: QueryAttribute, asked: Asked) -> bool:
        """Whether everything holds that the attribute names; one that names nothing describes no query."""
        holds = [holds for holds in self._properties(attribute, asked) if holds is not None]
        return bool(holds) and all(holds)

    def _properties(self, attribute: QueryAttribute, asked: Asked) -> tuple[bool | None, ...]:
        """For each property whether it holds, None for those that are not named."""
        of_expression = asked.op in EXPRESSION_OPS
        steps = attribute.query_step_limit
        return (
            asked.op == attribute.api_type if attribute.api_type else None,
            self._found(attribute.regex, asked.texts),
            _in_window(attribute.time_window, asked),
            _in_range(attribute.time_range_limit, asked),
            _in_steps(steps, asked.step_ms) if asked.op == "query_range" else None,
            self._found(attribute.user_agent_regex, [asked.user_agent]),
            asked.dashboard == attribute.dashboard_uid if of_expression and attribute.dashboard_uid else None,
            asked.panel == attribute.panel_id if of_expression and attribute.panel_id else None,
        )

    def _found(self, pattern: str, texts: list[str]) -> bool | None:
        if not pattern:
            return None
        if pattern == ".*":
            return True
        if pattern not in self._patterns:
            try:
                self._patterns[pattern] = _native.Pattern(pattern)
            except ValueError as e:
                log.error("expression of a query rule cannot be used", pattern=pattern, err=str(e))
                self._patterns[pattern] = None
        compiled = self._patterns[pattern]
        return compiled is not None and any(compiled.found_in(text) for text in texts)


def _in_window(window: TimeWindow, asked: Asked) -> bool | None:
    """Whether what is read lies within the window back from now, with a minute to spare at both ends."""
    if not window.start and not window.end:
        return None
    earliest = (asked.now_ms - window.start.ms - MINUTE_MS) // MINUTE_MS * MINUTE_MS
    latest = (asked.now_ms - window.end.ms + MINUTE_MS) // MINUTE_MS * MINUTE_MS
    if window.start and (asked.first_ms == 0 or asked.first_ms < earliest):
        return False
    return not (window.end and (asked.last_ms == 0 or asked.last_ms > latest))


def _in_range(limit: TimeRangeLimit, asked: Asked) -> bool | None:
    if not limit.min and not limit.max:
        return None
    length = asked.last_ms - asked.first_ms
    known = asked.first_ms != 0 and asked.last_ms != 0
    return known and limit.min.ms <= length and (not limit.max or length <= limit.max.ms)


def _in_steps(limit: QueryStepLimit, step_ms: int | None) -> bool | None:
    if not limit.min and not limit.max:
        return None
    return step_ms is not None and limit.min.ms <= step_ms and (not limit.max or step_ms <= limit.max.ms)
