"""The whole configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neocortex.config.option import Section, opt, section
from neocortex.config.sections.alertmanager import Alertmanager, AlertmanagerStorage
from neocortex.config.sections.blocks import BlocksStorage, Storage
from neocortex.config.sections.compactor import Compactor, ParquetConverter
from neocortex.config.sections.configs import Configs
from neocortex.config.sections.distributor import Distributor
from neocortex.config.sections.frontend import Frontend, QueryScheduler
from neocortex.config.sections.ingester import Flusher, Ingester, IngesterClient, Prealloc
from neocortex.config.sections.limits import Limits
from neocortex.config.sections.memberlist import Memberlist
from neocortex.config.sections.querier import FrontendWorker, Querier, TenantFederation
from neocortex.config.sections.query_range import QueryRange
from neocortex.config.sections.resources import ResourceMonitor
from neocortex.config.sections.ruler import Ruler, RulerStorage
from neocortex.config.sections.runtime_config import RuntimeConfig
from neocortex.config.sections.server import API, Server
from neocortex.config.sections.store_gateway import StoreGateway
from neocortex.config.sections.tracing import Tracing

if TYPE_CHECKING:
    from neocortex.config.values import CSV, NameValidationScheme

__all__ = ["Config", "Limits"]


class Config(Section, go="cortex.Config"):
    """All options. A new instance holds the defaults."""

    target: CSV = opt("target", ["all"])
    auth_enabled: bool = opt("auth.enabled", True)
    print_config: bool = opt("print.config", False, yaml=None)
    http_prefix: str = opt("http.prefix", "/api/prom")
    name_validation_scheme: NameValidationScheme = opt("name-validation-scheme", "legacy")
    resource_monitor: ResourceMonitor = section(ResourceMonitor)
    api: API = section(API)
    server: Server = section(Server)
    distributor: Distributor = section(Distributor)
    querier: Querier = section(Querier)
    ingester_client: IngesterClient = section(IngesterClient)
    ingester: Ingester = section(Ingester)
    flusher: Flusher = section(Flusher)
    storage: Storage = section(Storage)
    limits: Limits = section(Limits)
    prealloc: Prealloc = section(Prealloc, hidden=True)
    frontend_worker: FrontendWorker = section(FrontendWorker)
    frontend: Frontend = section(Frontend)
    query_range: QueryRange = section(QueryRange)
    blocks_storage: BlocksStorage = section(BlocksStorage)
    compactor: Compactor = section(Compactor)
    parquet_converter: ParquetConverter = section(ParquetConverter)
    store_gateway: StoreGateway = section(StoreGateway)
    tenant_federation: TenantFederation = section(TenantFederation)
    ruler: Ruler = section(Ruler)
    ruler_storage: RulerStorage = section(RulerStorage)
    configs: Configs = section(Configs)
    alertmanager: Alertmanager = section(Alertmanager)
    alertmanager_storage: AlertmanagerStorage = section(AlertmanagerStorage)
    runtime_config: RuntimeConfig = section(RuntimeConfig)
    memberlist: Memberlist = section(Memberlist)
    query_scheduler: QueryScheduler = section(QueryScheduler)
    tracing: Tracing = section(Tracing)
