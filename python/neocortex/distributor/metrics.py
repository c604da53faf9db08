"""The metrics of the distributor, with Cortex's names."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from neocortex import _native
    from neocortex.observe.metrics import Registry


class DistributorMetrics:
    """Counts what comes in and what is refused, by tenant."""

    def __init__(self, registry: Registry, replication_factor: int) -> None:
        by_tenant = ("user",)
        by_type = ("user", "type")
        by_reason = ("reason", "user")
        self._incoming_samples = registry.counter_family(
            "cortex_distributor_samples_in_total",
            "The total number of samples that have come in to the distributor, including rejected or deduped samples.",
            by_type,
        )
        self._incoming_exemplars = registry.counter_family(
            "cortex_distributor_exemplars_in_total",
            "The total number of exemplars that have come in to the distributor,"
            " including rejected or deduped exemplars.",
            by_tenant,
        )
        self._incoming_metadata = registry.counter_family(
            "cortex_distributor_metadata_in_total",
            "The total number of metadata that have come in to the distributor, including rejected.",
            by_tenant,
        )
        self._received_samples = registry.counter_family(
            "cortex_distributor_received_samples_total",
            "The total number of received samples, excluding rejected and deduped samples.",
            by_type,
        )
        self._received_exemplars = registry.counter_family(
            "cortex_distributor_received_exemplars_total",
            "The total number of received exemplars, excluding rejected and deduped exemplars.",
            by_tenant,
        )
        self._received_metadata = registry.counter_family(
            "cortex_distributor_received_metadata_total",
            "The total number of received metadata, excluding rejected.",
            by_tenant,
        )
        self._discarded_samples = registry.counter_family(
            "cortex_discarded_samples_total", "The total number of samples that were discarded.", by_reason
        )
        self._discarded_exemplars = registry.counter_family(
            "cortex_discarded_exemplars_total", "The total number of exemplars that were discarded.", by_reason
        )
        self._discarded_metadata = registry.counter_family(
            "cortex_discarded_metadata_total", "The total number of metadata that were discarded.", by_reason
        )
        self._appends = registry.counter_family(
            "cortex_distributor_ingester_appends_total",
            "The total number of batch appends sent to ingesters.",
            ("ingester", "type"),
        )
        self._append_failures = registry.counter_family(
            "cortex_distributor_ingester_append_failures_total",
            "The total number of failed batch appends sent to ingesters.",
            ("ingester", "type", "status"),
        )
        self._latest = registry.gauge_family(
            "cortex_distributor_latest_seen_sample_timestamp_seconds",
            "Unix timestamp of latest received sample per user.",
            by_tenant,
        )
        registry.gauge(
            "cortex_distributor_replication_factor", "The configured replication factor for the distributor."
        ).set(replication_factor)

    def received(self, tenant: str, request: _native.WriteRequest) -> None:
        """A request was decoded."""
        self._incoming_samples.labels(tenant, "float").inc(request.samples)
        self._incoming_samples.labels(tenant, "histogram").inc(request.histograms)
        self._incoming_exemplars.labels(tenant).inc(request.exemplars)
        self._incoming_metadata.labels(tenant).inc(request.metadata)

    def validated(self, tenant: str, checked: _native.Validated) -> None:
        """A request was checked: what goes on, and what was discarded and why."""
        self._received_samples.labels(tenant, "float").inc(checked.samples)
        self._received_samples.labels(tenant, "histogram").inc(checked.histograms)
        self._received_exemplars.labels(tenant).inc(checked.exemplars)
        self._received_metadata.labels(tenant).inc(checked.metadata)
        if checked.latest_sample_ms:
            latest = self._latest.labels(tenant)
            latest.set(max(latest.value, checked.latest_sample_ms / 1000))
        if checked.error is None:
            return
        for family, counts in (
            (self._discarded_samples, checked.discarded_samples),
            (self._discarded_exemplars, checked.discarded_exemplars),
            (self._discarded_metadata, checked.discarded_metadata),
        ):
            for reason, count in counts.items():
                family.labels(reason, tenant).inc(count)

    def sent(self, ingester: str, checked: _native.Validated, failed: str | None = None) -> None:
        """A request went to an ingester, named by its id; `failed` is the class of its status, `4xx` or `5xx`."""
        for kind, count in (("metadata", checked.metadata), ("samples", checked.series)):
            if count:
                self._appends.labels(ingester, kind).inc()
                if failed is not None:
                    self._append_failures.labels(ingester, kind, failed).inc()

    def rate_limited(self, tenant: str, checked: _native.Validated) -> None:
        """A whole request was over the tenant's rate."""
        self._discarded_samples.labels("rate_limited", tenant).inc(checked.samples + checked.histograms)
        self._discarded_exemplars.labels("rate_limited", tenant).inc(checked.exemplars)
        self._discarded_metadata.labels("rate_limited", tenant).inc(checked.metadata)

    def refused_by_ingester(self, tenant: str, discarded: dict[str, int]) -> None:
        """The ingester of this process refused samples; in one process both count in the same family."""
        for reason, count in discarded.items():
            family = self._discarded_metadata if reason.endswith("_metadata_limit") else self._discarded_samples
            family.labels(reason, tenant).inc(count)
