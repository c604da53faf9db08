"""TODO."""

from __future__ import annotations

from neocortex.config.option import Section, opt, records, section
from neocortex.config.values import Int64, Matchers, PrometheusDuration, UInt64


class RelabelConfig(Section, go="relabel.Config"):
    """TODO."""

    source_labels: list[str] = opt(None, [], omitempty=True)
    separator: str = opt(None, "", omitempty=True)
    regex: str = opt(None, "", omitempty=True)
    modulus: UInt64 = opt(None, 0, omitempty=True)
    target_label: str = opt(None, "", omitempty=True)
    replacement: str = opt(None, "", omitempty=True)
    action: str = opt(None, "", omitempty=True)


class LabelSetLimits(Section, go="validation.LimitsPerLabelSetEntry"):
    """TODO."""

    max_series: int = opt(None, 0)


class LimitsPerLabelSet(Section, go="validation.LimitsPerLabelSet"):
    """TODO."""

    limits: LabelSetLimits = section(LabelSetLimits)
    label_set: Matchers = opt(None, {})


class ActiveSeriesTracker(Section, go="validation.ActiveSeriesTrackerConfig"):
    """TODO."""

    name: str = opt(None, "")
    matchers: str = opt(None, "")


class TimeWindow(Section, go="validation.TimeWindow"):
    """TODO."""

    start: PrometheusDuration = opt(None, "0s")
    end: PrometheusDuration = opt(None, "0s")


class TimeRangeLimit(Section, go="validation.TimeRangeLimit"):
    """TODO."""

    min: PrometheusDuration = opt(None, "0s")
    max: PrometheusDuration = opt(None, "0s")


class QueryStepLimit(Section, go="validation.QueryStepLimit"):
    """TODO."""

    min: PrometheusDuration = opt(None, "0s")
    max: PrometheusDuration = opt(None, "0s")


class QueryAttribute(Section, go="validation.QueryAttribute"):
    """TODO."""

    api_type: str = opt(None, "")
    regex: str = opt(None, "")
    time_window: TimeWindow = section(TimeWindow)
    time_range_limit: TimeRangeLimit = section(TimeRangeLimit)
    query_step_limit: QueryStepLimit = section(QueryStepLimit)
    user_agent_regex: str = opt(None, "")
    dashboard_uid: str = opt(None, "")
    panel_id: str = opt(None, "")


class Priority(Section, go="validation.PriorityDef"):
    """TODO."""

    priority: Int64 = opt(None, 0)
    reserved_queriers: float = opt(None, 0.0)
    query_attributes: list[QueryAttribute] = records(QueryAttribute, "[]validation.QueryAttribute", "list of QueryAttribute")


class DisabledRuleGroup(Section, go="validation.DisabledRuleGroup"):
    """TODO."""

    namespace: str = opt(None, "")
    name: str = opt(None, "")
