"""The query-frontend and the query-scheduler."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neocortex.config.option import Section, inline, opt, section
from neocortex.config.sections.grpc_client import GrpcClient

if TYPE_CHECKING:
    from neocortex.config.values import Duration, Int64


class QueryHandler(Section, go="transport.HandlerConfig"):
    """The front door of queries."""

    log_queries_longer_than: Duration = opt("frontend.log-queries-longer-than", "0s")
    max_body_size: Int64 = opt("frontend.max-body-size", 10485760)
    query_stats_enabled: bool = opt("frontend.query-stats-enabled", False)
    enabled_ruler_query_stats_log: bool = opt("frontend.enabled-ruler-query-stats", False)


class FrontendV1(Section, go="v1.Config"):
    """The query-frontend with its own queue."""

    querier_forget_delay: Duration = opt("query-frontend.querier-forget-delay", "0s")


class FrontendV2(Section, go="v2.Config"):
    """The query-frontend with query-schedulers."""

    scheduler_address: str = opt("frontend.scheduler-address", "")
    scheduler_dns_lookup_period: Duration = opt("frontend.scheduler-dns-lookup-period", "10s")
    scheduler_worker_concurrency: int = opt("frontend.scheduler-worker-concurrency", 5)
    grpc_client_config: GrpcClient = section(GrpcClient, "frontend.grpc-client-config.")
    retry_on_too_many_outstanding_requests: bool = opt("frontend.retry-on-too-many-outstanding-requests", False)
    instance_interface_names: list[str] = opt("frontend.instance-interface-names", ["eth0", "en0"])
    address: str = opt("frontend.instance-addr", "", hidden=True)
    port: int = opt("frontend.instance-port", 0, hidden=True)


class Frontend(QueryHandler, FrontendV1, FrontendV2, go="frontend.CombinedFrontendConfig"):
    """The query-frontend."""

    _query_handler = inline(QueryHandler)
    _frontend_v1 = inline(FrontendV1)
    _frontend_v2 = inline(FrontendV2)
    downstream_url: str = opt("frontend.downstream-url", "")


class QueryScheduler(Section, go="scheduler.Config"):
    """The query-scheduler."""

    querier_forget_delay: Duration = opt("query-scheduler.querier-forget-delay", "0s")
    grpc_client_config: GrpcClient = section(GrpcClient, "query-scheduler.grpc-client-config.")
