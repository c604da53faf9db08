"""The store-gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neocortex.config.option import Section, opt, section
from neocortex.config.sections.bucket import HedgedRequest
from neocortex.config.sections.resources import QueryProtection
from neocortex.config.sections.ring import StoreGatewayRing

if TYPE_CHECKING:
    from neocortex.config.values import CSV


class StoreGateway(Section, go="storegateway.Config"):
    """The store-gateway."""

    sharding_enabled: bool = opt("store-gateway.sharding-enabled", False)
    sharding_ring: StoreGatewayRing = section(StoreGatewayRing)
    sharding_strategy: str = opt("store-gateway.sharding-strategy", "default")
    enabled_tenants: CSV = opt("store-gateway.enabled-tenants", [])
    disabled_tenants: CSV = opt("store-gateway.disabled-tenants", [])
    query_protection: QueryProtection = section(QueryProtection, "store-gateway.query-protection.")
    hedged_request: HedgedRequest = section(HedgedRequest)
