"""Rules about queries. The cases follow Cortex's `query_attribute_matcher_test.go`."""

from typing import Any

import pytest

from neocortex.config.load import load
from neocortex.config.sections.limits import Limits
from neocortex.querier.reject import Asked, QueryRejected, QueryRules

NOW_MS = 1_700_000_000_000
HOUR_MS = 3_600_000


def limits(tmp_path: Any, rules: str) -> Limits:
    """The limits of a configuration with these rules."""
    path = tmp_path / "c.yaml"
    path.write_text(f"limits:\n  query_rejection: {{enabled: true, query_attributes: [{rules}]}}\n")
    return load([f"-config.file={path}"]).config.limits


def asked(op: str = "query", text: str = "sum(up)", **more: Any) -> Asked:
    times = {"first_ms": NOW_MS - HOUR_MS, "last_ms": NOW_MS} | more
    return Asked(op, [text], now_ms=NOW_MS, **times)


@pytest.mark.parametrize(
    ("rule", "query", "refused"),
    [
        ("{}", asked(), False),
        ("{regex: 'sum'}", asked(), True),
        ("{regex: '^up'}", asked(), False),
        ("{regex: '.*'}", asked(), True),
        ("{regex: '.*'}", asked(text=""), False),
        ("{api_type: query}", asked(), True),
        ("{api_type: query_range}", asked(), False),
        ("{api_type: query, regex: 'x'}", asked(), False),
        ("{user_agent_regex: 'graf'}", asked(user_agent="grafana/10"), True),
        ("{user_agent_regex: 'graf'}", asked(), False),
        ("{dashboard_uid: d}", asked(dashboard="d"), True),
        ("{dashboard_uid: d, panel_id: '1'}", asked(dashboard="d", panel="2"), False),
        ("{time_window: {start: 2h}}", asked(), True),
        ("{time_window: {start: 59m}}", asked(), True),
        ("{time_window: {start: 50m}}", asked(), False),
        ("{time_window: {start: 2h, end: 10m}}", asked(), False),
        ("{time_window: {start: 2h, end: 10m}}", asked(last_ms=NOW_MS - 11 * 60_000), True),
        ("{time_window: {start: 2h}}", asked(first_ms=0), False),
        ("{time_range_limit: {min: 1h}}", asked(), True),
        ("{time_range_limit: {min: 61m}}", asked(), False),
        ("{time_range_limit: {max: 1h}}", asked(), True),
        ("{time_range_limit: {max: 59m}}", asked(), False),
        ("{time_range_limit: {max: 59m}}", asked(first_ms=0, last_ms=0), False),
        ("{query_step_limit: {max: 10s}}", asked("query_range", step_ms=10_000), True),
        ("{query_step_limit: {max: 10s}}", asked("query_range", step_ms=10_001), False),
        ("{query_step_limit: {min: 10s}}", asked("query_range", step_ms=9_999), False),
        ("{query_step_limit: {min: 10s}}", asked("query_range", step_ms=None), False),
        ("{query_step_limit: {max: 10s}}", asked("query", step_ms=5), False),
        ("{api_type: labels}", asked("labels"), True),
        ("{api_type: series, regex: up}", asked("series", "{job='x'}"), False),
        ("{api_type: metadata}", asked("metadata"), False),
        ("{dashboard_uid: d}", asked("series", dashboard="d"), False),
        ("{regex: 'x'}, {regex: 'up'}", asked(), True),
    ],
)
def test_a_rule_refuses_what_it_describes(tmp_path: Any, rule: str, query: Asked, refused: bool) -> None:
    rules, tenant = QueryRules(), limits(tmp_path, rule)
    if not refused:
        rules.check(tenant, query)
        return
    text = r"^This query does not perform well and has been rejected by the service operator\.$"
    with pytest.raises(QueryRejected, match=text):
        rules.check(tenant, query)


def test_rules_that_are_not_enabled_refuse_nothing() -> None:
    QueryRules().check(Limits(), asked())


def test_an_expression_that_cannot_be_compiled_describes_nothing(tmp_path: Any) -> None:
    QueryRules().check(limits(tmp_path, r"{regex: '(?<=a)b'}"), asked(text="ab"))


def test_priorities(tmp_path: Any) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(
        "limits: {query_priority: {enabled: true, default_priority: 2, priorities: ["
        "{priority: 9, query_attributes: [{regex: urgent}, {user_agent_regex: ruler}]},"
        "{priority: -1, query_attributes: [{api_type: series}]}]}}"
    )
    tenant, rules = load([f"-config.file={path}"]).config.limits, QueryRules()
    assert rules.priority(tenant, asked(text="urgent")) == 9
    assert rules.priority(tenant, asked(user_agent="a ruler")) == 9
    assert rules.priority(tenant, asked()) == 2
    assert rules.priority(tenant, asked("series")) == -1
    assert rules.priority(tenant, asked("labels")) is None
    assert rules.priority(tenant, asked(text="")) is None
    assert rules.priority(Limits(), asked(text="urgent")) is None
