"""Checks of limits: the defaults, and a tenant's own from the runtime file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from neocortex.config.duration import SECOND, Duration, quote
from neocortex.config.invalid import InvalidConfig

if TYPE_CHECKING:
    from neocortex.config.schema import Config
    from neocortex.config.sections.limit_rules import RelabelConfig
    from neocortex.config.sections.limits import Limits

_LEGACY_LABEL_NAME = r"[a-zA-Z_][a-zA-Z0-9_]*\Z"
_LEGACY_LABEL_TEMPLATE = r"(?a)(?:[a-zA-Z_]|\$(?:\{\w+\}|\w))(?:\w|\$(?:\{\w+\}|\w))*\Z"
_TEMPLATE_VARIABLE = r"(?a)\$(?:\{\w+\}|\w+)"
_NEED_TARGET = ("replace", "hashmod", "lowercase", "uppercase", "keepequal", "dropequal")
_FIXED_REPLACEMENT = ("lowercase", "uppercase", "keepequal", "dropequal")


def check_limits(limits: Limits, config: Config) -> None:
    """Raises InvalidConfig for the first mistake."""
    by_all_labels = config.distributor.shard_by_all_labels
    active_series = config.ingester.active_series_metrics_enabled
    if limits.max_global_series_per_user > 0 and not by_all_labels:
        raise InvalidConfig(
            "the ingester.max-global-series-per-user limit is unsupported if distributor.shard-by-all-labels is "
            "disabled"
        )
    if limits.max_global_native_histogram_series_per_user > 0 and not (by_all_labels and active_series):
        raise InvalidConfig(
            "the ingester.max-global-native-histogram-series-per-user limit is unsupported if "
            "distributor.shard-by-all-labels or ingester.active-series-metrics-enabled is disabled"
        )
    if limits.max_native_histogram_series_per_user > 0 and not active_series:
        raise InvalidConfig(
            "the ingester.max-local-native-histogram-series-per-user limit is unsupported if "
            "ingester.active-series-metrics-enabled is disabled"
        )
    scheme = config.name_validation_scheme
    for name in limits.ruler_external_labels:
        if not _is_label_name(name, scheme):
            raise InvalidConfig(f"invalid label name: {quote(name)}")
    for rule in limits.metric_relabel_configs:
        if not _is_valid_rule(rule, scheme):
            raise InvalidConfig("invalid metric_relabel_configs")
    tracker = config.distributor.ha_tracker
    update, jitter = tracker.ha_tracker_update_timeout, tracker.ha_tracker_update_timeout_jitter_max
    failover = limits.ha_tracker_failover_timeout
    if update > 0 or jitter > 0 or failover > 0:
        least = Duration(update.ns + jitter.ns + SECOND)
        if failover.ns < least.ns:
            raise InvalidConfig(
                f"HA Tracker failover timeout ({Duration(failover.ns)}) must be at least 1s greater than update "
                f"timeout - max jitter ({least})"
            )


def check_query_limits(limits: Limits, config: Config, tenant: str) -> None:
    """Raises InvalidConfig when the times that route queries to ingesters and stores contradict each other."""
    ingesters = Duration(limits.query_ingesters_within.ns)
    store = Duration(limits.query_store_after.ns)
    lookback = Duration(limits.shuffle_sharding_ingesters_lookback_period.ns)
    idle = config.blocks_storage.tsdb.close_idle_tsdb_timeout
    if ingesters > 0 and 0 < idle <= ingesters:
        raise InvalidConfig(
            f"tenant {tenant}: query_ingesters_within ({ingesters}) must be less than close_idle_tsdb_timeout ({idle})"
        )
    if ingesters > 0 and store > 0 and store >= ingesters:
        raise InvalidConfig(
            f"tenant {tenant}: query_store_after ({store}) must be less than query_ingesters_within ({ingesters})"
        )
    if store > 0 and 0 < lookback < store:
        raise InvalidConfig(
            f"tenant {tenant}: shuffle_sharding_ingesters_lookback_period ({lookback}) is less than "
            f"query_store_after ({store})"
        )


def _is_label_name(name: str, scheme: str) -> bool:
    return bool(name) if scheme == "utf8" else bool(re.match(_LEGACY_LABEL_NAME, name))


def _is_label_template(text: str, scheme: str) -> bool:
    return bool(text) if scheme == "utf8" else bool(re.match(_LEGACY_LABEL_TEMPLATE, text))


def _is_valid_rule(rule: RelabelConfig, scheme: str) -> bool:
    """Whether a relabelling rule is complete and holds only what its action uses (Prometheus, model/relabel)."""
    action, target = rule.action, rule.target_label
    plain = not rule.modulus and rule.separator == ";" and rule.replacement == "$1"
    if (action == "hashmod" and not rule.modulus) or (action in _NEED_TARGET and not target):
        return False
    if action == "replace":
        template = bool(re.search(_TEMPLATE_VARIABLE, target))
        return _is_label_template(target, scheme) if template else _is_label_name(target, scheme)
    if action in ("hashmod", *_FIXED_REPLACEMENT) and not _is_label_name(target, scheme):
        return False
    if action in _FIXED_REPLACEMENT and rule.replacement != "$1":
        return False
    if action == "labelmap":
        return _is_label_template(rule.replacement, scheme)
    if action in ("keepequal", "dropequal"):
        return plain and rule.regex == "(.*)"
    if action in ("labeldrop", "labelkeep"):
        return plain and not rule.source_labels and not target
    return True
