"""What a tenant's operator says about a query before it is looked at any further: too many steps, not wanted, urgent.

Source: Cortex's `pkg/querier/tripperware/roundtrip.go`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from neocortex import _native
from neocortex.querier.call import BadData
from neocortex.querier.parameters import BadParameter, parse_duration_ms, parse_time_ms
from neocortex.querier.reach import covered_ms
from neocortex.querier.reject import Asked, QueryRules
from neocortex.querier.service import now_ms

if TYPE_CHECKING:
    from neocortex.http.forms import Form
    from neocortex.overrides.limits import Overrides
    from neocortex.querier.call import Call


class FrontRules:
    """`max_subquery_steps` (0 for none), and the rules of each tenant."""

    def __init__(
        self, overrides: Overrides, *, max_subquery_steps: int, default_step_ms: int, lookback_delta_ms: int
    ) -> None:
        self._overrides = overrides
        self._rules = QueryRules()
        self._max_subquery_steps = max_subquery_steps
        self._default_step_ms = default_step_ms
        self._lookback_delta_ms = lookback_delta_ms

    def check_query(self, call: Call, query: _native.Query) -> None:
        """Raises `BadData`, `QueryRejected`; gives the call its priority."""
        most = self._max_subquery_steps
        if 0 < most < query.most_subquery_steps(self._default_step_ms):
            raise BadData(
                f"exceeded maximum resolution of {most} points per timeseries in subquery."
                " Try increasing the step size of your subquery"
            )
        limits = self._overrides.limits(call.tenant)
        if not limits.query_rejection.enabled and not limits.query_priority.enabled:
            return
        start, end = _times(call.form, instant=call.op == "query")
        step = _step(call.form) if call.op == "query_range" else None
        selections = query.selections_ms(start, end, step or 0, self._lookback_delta_ms)
        first = min((start for start, _ in selections), default=0)
        last = max((end for _, end in selections), default=0)
        asked = _asked(call, call.op, [call.form.get("query")], first, last)
        self._rules.check(limits, asked)
        call.stats.selected_ms = (first, last)
        call.stats.priority = self._rules.priority(limits, asked)

    def check_lookup(self, call: Call) -> None:
        """Raises `QueryRejected`; gives the call its priority."""
        limits = self._overrides.limits(call.tenant)
        if not limits.query_rejection.enabled and not limits.query_priority.enabled:
            return
        op = "labels" if call.op == "label_names" else call.op
        asked = _asked(call, op, call.form.get_all("match[]"), *_times(call.form, instant=False))
        self._rules.check(limits, asked)
        call.stats.priority = self._rules.priority(limits, asked)

    def covered_ms(self, query: _native.Query) -> int:
        """How far its selectors reach, whatever its times; 0 when that depends on them."""
        try:
            return covered_ms(query.selections_ms(0, 0, 0, self._lookback_delta_ms))
        except _native.ParseError:
            return 0


def _asked(call: Call, op: str, texts: list[str], first_ms: int, last_ms: int) -> Asked:
    headers = call.request.headers
    return Asked(
        op,
        texts,
        first_ms,
        last_ms,
        now_ms(),
        step_ms=_step(call.form),
        user_agent=headers.get("user-agent"),
        dashboard=headers.get("x-dashboard-uid"),
        panel=headers.get("x-panel-id"),
    )


def _times(form: Form, *, instant: bool) -> tuple[int, int]:
    """First and last time of a request, 0 where they cannot be read: parameters are checked later."""
    if instant and not form.get("time"):
        return now_ms(), now_ms()
    first, last = ("time", "time") if instant else ("start", "end")
    try:
        return parse_time_ms(form.get(first)), parse_time_ms(form.get(last))
    except BadParameter:
        return 0, 0


def _step(form: Form) -> int | None:
    try:
        return parse_duration_ms(form.get("step"))
    except BadParameter:
        return None
