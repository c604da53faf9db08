"""Rules and lists within the limits of a tenant, which only YAML can set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neocortex.config.option import Section, opt, records, section

if TYPE_CHECKING:
    from neocortex.config.values import (
        Int64,
        LabelNames,
        LabelSet,
        PrometheusDuration,
        RelabelAction,
        RelabelRegex,
        UInt64,
    )


class RelabelConfig(Section, go="relabel.plain"):
    """A relabelling rule, as in Prometheus."""

    source_labels: LabelNames = opt(None, [], omitempty=True)
    separator: str = opt(None, ";", omitempty=True)
    regex: RelabelRegex = opt(None, "(.*)", omitempty=True)
    modulus: UInt64 = opt(None, 0, omitempty=True)
    target_label: str = opt(None, "", omitempty=True)
    replacement: str = opt(None, "$1", omitempty=True)
    action: RelabelAction = opt(None, "replace", omitempty=True)


class LabelSetLimits(Section, go="validation.LimitsPerLabelSetEntry"):
    """The limits of one label set."""

    max_series: int = opt(None, 0)


class LimitsPerLabelSet(Section, go="validation.LimitsPerLabelSet"):
    """Limits for the series that carry certain labels."""

    limits: LabelSetLimits = section(LabelSetLimits)
    label_set: LabelSet = opt(None, {})


class ActiveSeriesTracker(Section, go="validation.ActiveSeriesTrackerConfig"):
    """A count of active series that match a selector."""

    name: str = opt(None, "")
    matchers: str = opt(None, "")


class TimeWindow(Section, go="validation.TimeWindow"):
    """The window of data that a query reads, back from now."""

    start: PrometheusDuration = opt(None, "0s")
    end: PrometheusDuration = opt(None, "0s")


class TimeRangeLimit(Section, go="validation.TimeRangeLimit"):
    """Shortest and longest time range."""

    min: PrometheusDuration = opt(None, "0s")
    max: PrometheusDuration = opt(None, "0s")


class QueryStepLimit(Section, go="validation.QueryStepLimit"):
    """Shortest and longest step."""

    min: PrometheusDuration = opt(None, "0s")
    max: PrometheusDuration = opt(None, "0s")


class QueryAttribute(Section, go="validation.QueryAttribute"):
    """A description of queries; every property given must hold."""

    api_type: str = opt(None, "")
    regex: str = opt(None, "")
    time_window: TimeWindow = section(TimeWindow)
    time_range_limit: TimeRangeLimit = section(TimeRangeLimit)
    query_step_limit: QueryStepLimit = section(QueryStepLimit)
    user_agent_regex: str = opt(None, "")
    dashboard_uid: str = opt(None, "")
    panel_id: str = opt(None, "")


class Priority(Section, go="validation.PriorityDef"):
    """One priority and the queries that have it."""

    priority: Int64 = opt(None, 0)
    reserved_queriers: float = opt(None, 0.0)
    query_attributes: list[QueryAttribute] = records(
        QueryAttribute, "[]validation.QueryAttribute", "list of QueryAttribute"
    )


class DisabledRuleGroup(Section, go="validation.DisabledRuleGroup"):
    """A rule group that is not evaluated."""

    namespace: str = opt(None, "")
    name: str = opt(None, "")
