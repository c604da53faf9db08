"""The wiring: which modules a target runs, how each is built and what it needs. One row a module.

`build` registers routes and metrics on the `Process` and gives the module's service, or None when it has none. Modules
are built once each, dependencies first; their services start and stop in that order too (`service.Supervisor`).
Source of names and dependencies: Cortex's `pkg/cortex/modules.go`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import neocortex
from neocortex import _native
from neocortex.distributor.http import PushEndpoint, ring_route
from neocortex.distributor.limits import InstanceGuard as DistributorGuard
from neocortex.distributor.metrics import DistributorMetrics
from neocortex.distributor.service import Distributor
from neocortex.distributor.stats import StatsEndpoints
from neocortex.errors import StartError
from neocortex.http.connections import register_connection_metrics
from neocortex.http.route import Link
from neocortex.http.server import HTTPServer
from neocortex.http.status import config_route, index_route, metrics_route, ready_route, services_route
from neocortex.ingester.http import DirectPush, stats_route
from neocortex.ingester.limits import InstanceGuard as IngesterGuard
from neocortex.ingester.metrics import IngesterMetrics
from neocortex.ingester.mode import operator_routes
from neocortex.ingester.service import Ingester, Periods
from neocortex.ingester.stats import IngestionStats
from neocortex.ingester.tenants import Tenants
from neocortex.ingester.tsdbmetrics import register_tsdb_metrics
from neocortex.ingester.upkeep import build_upkeep
from neocortex.observe import get_logger
from neocortex.overrides.http import runtime_config_route
from neocortex.overrides.limits import Overrides
from neocortex.overrides.runtime import RuntimeConfigService, runtime_file
from neocortex.process import Process, http_settings
from neocortex.querier.active import ActiveQueries
from neocortex.querier.call import Answering
from neocortex.querier.dialect import dialect
from neocortex.querier.front import FrontRules
from neocortex.querier.http import QueryEndpoints
from neocortex.querier.http import routes as query_routes
from neocortex.querier.metrics import EngineMetrics, QueryMetrics
from neocortex.querier.queue import QueryQueue
from neocortex.querier.remoteread import RemoteRead
from neocortex.querier.service import EngineOptions, Querier
from neocortex.querier.upkeep import QueryUpkeep
from neocortex.ring.http import ring_routes
from neocortex.ring.kv.memory import MemoryStore
from neocortex.ring.lifecycle import RingMember, host_address
from neocortex.ring.metrics import register_ring_metrics
from neocortex.ring.view import Ring
from neocortex.service import Service, Supervisor
from neocortex.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Iterable

log = get_logger()

Builder = Callable[[Process], Service | None]

INGESTER_RING_KEY = "ring"
SAMPLES_PER_CHUNK = 120
"""Prometheus's figure; not an option of Cortex's."""


@dataclass(frozen=True, slots=True)
class Module:
    """One row of the table."""

    name: str
    build: Builder | None
    needs: tuple[str, ...] = ()
    internal: bool = False
    """Left out of `-modules`; as a target it is accepted with a warning."""


def _server(process: Process) -> Service:
    settings = http_settings(process.config)
    register_connection_metrics(process.registry, settings.port, settings.max_connections)
    if settings.register_instrumentation:
        process.app.add([metrics_route(process.registry)])
    return HTTPServer(settings, process.app)


def _api(process: Process) -> None:
    process.app.add([index_route(process.app), config_route(process.config)])


def _workers(process: Process) -> Service:
    compactions = process.config.blocks_storage.tsdb.head_compaction_concurrency
    process.workers = Workers(process.config.querier.max_concurrent, compactions)
    return process.workers


def _runtime_config(process: Process) -> Service | None:
    limits = process.config.ingester.instance_limits
    process.ingester_limits = lambda: limits
    if runtime_file(process.config) is None:
        process.overrides = Overrides(process.config.limits)
        process.app.add([runtime_config_route(process.config, None)])
        return None
    service = RuntimeConfigService(process.config, process.registry)
    process.overrides = Overrides(process.config.limits, service.tenant_limits)
    process.ingester_limits = service.ingester_limits
    process.app.add([runtime_config_route(process.config, service)])
    return service


def _ring(process: Process) -> Service:
    ring = process.config.ingester.lifecycler.ring
    if ring.kvstore.store != "inmemory":
        raise StartError(f"ring: the key-value store {ring.kvstore.store!r} is not supported yet, only inmemory is")
    process.kv = MemoryStore()
    process.ingester_ring = Ring(
        process.kv,
        INGESTER_RING_KEY,
        heartbeat_timeout_s=ring.heartbeat_timeout.seconds,
        replication_factor=ring.replication_factor,
    )
    register_ring_metrics(process.registry, process.kv, INGESTER_RING_KEY, "ingester", ring.heartbeat_timeout.seconds)
    process.app.add(ring_routes(process.ingester_ring, ("/ingester/ring", "/ring"), Link("Ring status")))
    return Service()


def _ingester(process: Process) -> Service:
    config = process.config.ingester
    tsdb = process.config.blocks_storage.tsdb
    process.tenants = Tenants(
        Path(tsdb.dir),
        process.workers.write,
        _native.TsdbOptions(
            wal_compression=tsdb.wal_compression_type,
            wal_segment_size_bytes=tsdb.wal_segment_size_bytes,
            block_range_ms=tsdb.block_ranges_period[0].ms,
            max_block_range_ms=tsdb.block_ranges_period[-1].ms,
            samples_per_chunk=SAMPLES_PER_CHUNK,
            retention_ms=tsdb.retention_period.ms,
            out_of_order_cap=tsdb.out_of_order_cap_max,
            chunk_write_buffer_bytes=tsdb.head_chunks_write_buffer_size_bytes,
            snapshot_on_close=tsdb.memory_snapshot_on_shutdown,
        ),
    )
    process.distributor_metrics = DistributorMetrics(process.registry, config.lifecycler.ring.replication_factor)
    lifecycler = config.lifecycler
    count_active = config.active_series_metrics_enabled
    port = lifecycler.port or process.config.server.grpc_listen_port
    process.ingester = Ingester(
        process.tenants,
        process.workers.write,
        process.overrides,
        RingMember(
            process.kv,
            INGESTER_RING_KEY,
            instance_id=lifecycler.id,
            address=f"{lifecycler.address or host_address(lifecycler.interface_names)}:{port}",
            zone=lifecycler.availability_zone,
            token_count=lifecycler.num_tokens,
            heartbeat_period_s=lifecycler.heartbeat_period.seconds,
            unregister_on_shutdown=lifecycler.unregister_on_shutdown,
        ),
        IngesterMetrics(process.registry, process.distributor_metrics.refused_by_ingester),
        guard=IngesterGuard(process.ingester_limits, process.registry),
        stats=IngestionStats(
            process.tenants,
            process.workers.write,
            rate_period_s=config.rate_update_period.seconds,
            idle_s=config.active_series_metrics_idle_timeout.seconds if count_active else None,
        ),
        admin_message=config.admin_limit_message,
        default_max_exemplars=tsdb.max_exemplars,
        periods=Periods(
            min_ready=lifecycler.min_ready_duration.seconds,
            rate_update=config.rate_update_period.seconds,
            metadata_retain=config.metadata_retain_period.seconds,
            active_series_update=config.active_series_metrics_update_period.seconds if count_active else None,
        ),
        upkeep=build_upkeep(process.config, process.tenants, process.workers.background, process.registry),
        opened_at_once=tsdb.max_tsdb_opening_concurrency_on_startup,
        flush_on_shutdown=tsdb.flush_blocks_on_shutdown,
    )
    register_tsdb_metrics(process.registry, process.tenants, process.workers.write)
    process.ready_checks.append(process.ingester.not_ready)
    direct = DirectPush(process.ingester, process.workers.write, process.config.distributor.max_recv_msg_size)
    process.app.add([*direct.routes(), stats_route(process.ingester), *operator_routes(process.ingester)])
    return process.ingester


def _distributor(process: Process) -> Service:
    config = process.config.distributor
    distributor = Distributor(
        process.workers.write,
        process.overrides,
        process.ingester_ring,
        process.ingester,
        process.distributor_metrics,
        guard=DistributorGuard(config.instance_limits, process.registry),
        utf8_names=process.config.name_validation_scheme == "utf8",
    )
    endpoint = PushEndpoint(
        distributor,
        process.workers.write,
        max_recv_msg_size=config.max_recv_msg_size,
        v2_enabled=config.remote_writev2_enabled,
        accept_unknown=config.accept_unknown_remote_write_content_type,
    )
    process.app.add(endpoint.routes(process.config.http_prefix))
    process.app.add([ring_route(), *StatsEndpoints(process.ingester_ring, process.ingester).distributor_routes()])
    return distributor


def _querier(process: Process) -> Service:
    config, frontend = process.config.querier, process.config.frontend
    folder = config.active_query_tracker_dir
    active = ActiveQueries(Path(folder), config.max_concurrent) if folder else None
    worker = process.config.frontend_worker
    turns = config.max_concurrent if worker.match_max_concurrent else worker.parallelism
    queue = QueryQueue(
        max(1, turns),
        lambda tenant: process.overrides.limits(tenant).max_outstanding_requests_per_tenant,
        process.registry,
    )
    querier = Querier(
        process.ingester_ring,
        process.ingester,
        process.workers.query,
        process.overrides,
        EngineOptions(
            lookback_delta_ms=config.lookback_delta.ms,
            default_evaluation_interval_ms=config.default_evaluation_interval.ms,
            max_samples=config.max_samples,
            timeout_s=config.timeout.seconds,
            max_into_future_ms=config.max_query_into_future.ms,
            ignore_max_query_length=config.ignore_max_query_length,
            dialect=dialect(config),
            per_step_stats=config.per_step_stats_enabled,
            exact_figures=frontend.query_stats_enabled,
        ),
        queue=queue,
        active=active,
        metrics=EngineMetrics(process.registry, config.max_concurrent if active is not None else -1),
    )
    metrics = QueryMetrics(process.registry, query_stats_enabled=frontend.query_stats_enabled)
    answering = Answering(
        metrics, query_stats_enabled=frontend.query_stats_enabled, slow_s=frontend.log_queries_longer_than.seconds
    )
    rules = FrontRules(
        process.overrides,
        max_subquery_steps=config.max_subquery_steps,
        default_step_ms=config.default_evaluation_interval.ms,
        lookback_delta_ms=config.lookback_delta.ms,
    )
    prefixes = [process.config.api.prometheus_http_prefix, process.config.http_prefix]
    stats = StatsEndpoints(process.ingester_ring, process.ingester)
    process.app.add(
        [
            *RemoteRead(querier).routes(prefixes, answering),
            *stats.querier_routes(process.config.http_prefix),
        ]
    )
    version = dict.fromkeys(("version", "revision", "branch", "buildUser", "buildDate", "goVersion"), "")
    process.app.add(
        query_routes(
            QueryEndpoints(querier, process.overrides, version | {"version": neocortex.__version__}, rules=rules),
            answering,
            prefixes,
            build_info=process.config.api.build_info_enabled,
            max_body_bytes=frontend.max_body_size,
        )
    )
    return QueryUpkeep(metrics, queue, active)


MODULES: dict[str, Module] = {
    module.name: module
    for module in (
        Module("server", _server, internal=True),
        Module("api", _api, ("server",), internal=True),
        Module("workers", _workers, internal=True),
        Module("runtime-config", _runtime_config, ("api",), internal=True),
        Module("ring", _ring, ("api", "runtime-config"), internal=True),
        Module("ingester-service", _ingester, ("ring", "workers"), internal=True),
        Module("distributor-service", _distributor, ("ingester-service",), internal=True),
        Module("ingester", None, ("ingester-service",)),
        Module("distributor", None, ("distributor-service",)),
        Module("querier", _querier, ("ingester-service",)),
        Module("all", None, ("distributor", "ingester", "querier")),
    )
}


def ordered(targets: Iterable[str]) -> list[str]:
    """The targets and everything they need, each after its needs; StartError for a name that is no module."""
    done: dict[str, None] = {}

    def visit(name: str) -> None:
        if name not in MODULES:
            raise StartError(f"unrecognised module name: {name}")
        for need in MODULES[name].needs:
            visit(need)
        done.setdefault(name)

    for target in targets:
        visit(target)
    return list(done)


def build(process: Process, targets: list[str]) -> Supervisor:
    """Builds every module that the targets need and registers the endpoints that show the result."""
    for target in targets:
        if target in MODULES and MODULES[target].internal:
            log.warn("selected target is an internal module, is this intended?", target=target)
    services: dict[str, Service] = {}
    names = ordered(targets)
    for name in names:
        builder = MODULES[name].build
        try:
            service = builder(process) if builder is not None else None
        except StartError as error:
            raise StartError(f"error initialising module: {name}: {error}") from error
        if service is not None:
            services[name] = service
    supervisor = Supervisor(services, {name: _service_needs(name, services) for name in services})
    process.supervisor = supervisor
    process.app.add([services_route(supervisor), ready_route(supervisor, process.ready_checks)])
    return supervisor


def _service_needs(name: str, services: dict[str, Service]) -> list[str]:
    """Services below `name`, looking through modules that have none; the server is below everything."""
    below = [need for need in ordered([name])[:-1] if need in services]
    return below if name == "server" or "server" in below or "server" not in services else ["server", *below]


def describe() -> str:
    """What `-modules` prints: names sorted, `*` at those that target all includes."""
    included = set(ordered(["all"])) - {"all"}
    lines = [f"{name} *" if name in included else name for name in sorted(MODULES) if not MODULES[name].internal]
    return "\n".join([*lines, "", "Modules marked with * are included in target All.", ""])
