"""The runtime file's content: overrides by tenant, limits of this ingester, the state of a multi KV store.

Unknown and repeated keys are errors. A tenant's entry starts from the default limits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from neocortex.config import kinds, yamltree
from neocortex.config.decode import Decoder
from neocortex.config.option import Option, Section, opt, section
from neocortex.config.scalars import Kind
from neocortex.config.validate import InvalidConfig, validate_tenant_limits
from neocortex.config.yamltree import FAILED, Failed, YamlError

if TYPE_CHECKING:
    from neocortex.config.schema import Config
    from neocortex.config.sections.ingester import InstanceLimits
    from neocortex.config.sections.limits import Limits
    from neocortex.config.yamltree import Node

CHECKED_TARGETS = ("all", "distributor", "querier", "ruler")
"""Targets whose processes check the limits of tenants as they check the defaults."""


class InvalidRuntimeConfig(ValueError):
    """The runtime file cannot be used; the text says why, with lines."""


class RuntimeDecoder(Decoder):
    """Decodes with the defaults that entries start from."""

    def __init__(self, limits: Limits, instance_limits: InstanceLimits) -> None:
        super().__init__()
        self.limits = limits
        self.instance_limits = instance_limits


class _TenantLimits(Kind):
    go = "map[string]*validation.Limits"
    doc = "map of tenant to limits"

    def zero(self) -> dict[str, Limits]:
        return {}

    def decode(self, decoder: Decoder, node: Node, current: Any) -> Any:
        assert isinstance(decoder, RuntimeDecoder)
        if node.kind == "sequence":
            return decoder.collection_mismatch(node, self.go)
        if node.kind == "scalar":
            tag, value = yamltree.resolve(node)
            return {} if value is None else decoder.mismatch(node, tag, self.go)
        tenants: dict[str, Limits] = {}
        for key, entry in zip(node.items[::2], node.items[1::2], strict=True):
            tenant = decoder.key(key, tenants)
            limits = decoder.limits.copy()
            if isinstance(tenant, Failed) or not (entry.is_null or decoder.section(entry, limits)):
                continue
            tenants[tenant] = limits
        return tenants

    def show(self, value: dict[str, Limits]) -> dict[str, Any]:
        return {tenant: limits.shown() for tenant, limits in value.items()}


class _InstanceLimits(Kind):
    go = "ingester.plain"

    def zero(self) -> None:
        return None

    def decode(self, decoder: Decoder, node: Node, current: Any) -> Any:
        assert isinstance(decoder, RuntimeDecoder)
        limits = decoder.instance_limits.copy()
        return limits if decoder.section(node, limits) else FAILED

    def show(self, value: InstanceLimits | None) -> Any:
        return None if value is None else value.shown()


def _of_kind(kind: Kind, default: Any, *, omitempty: bool = False) -> Any:
    option = Option(None, default, yaml="", aliases=(), hidden=False, omitempty=omitempty)
    option.kind = kind
    return option


class MultiKVRuntime(Section, go="kv.MultiRuntimeConfig"):
    """Which store of a multi KV store leads, and whether writes are mirrored."""

    primary: str = opt(None, "")
    mirror_enabled: bool | None = opt(None, None)


class RuntimeValues(Section, go="runtimeconfig.RuntimeConfigValues"):
    """The document."""

    overrides: dict[str, Limits] = _of_kind(_TenantLimits(), {})
    multi_kv_config: MultiKVRuntime = section(MultiKVRuntime)
    ingester_stream_chunks_when_using_blocks: bool | None = opt(None, None)
    ingester_limits: InstanceLimits | None = _of_kind(_InstanceLimits(), None)
    hard_overrides: dict[str, Limits] = _of_kind(_TenantLimits(), {}, omitempty=True)
    api_allowed_limits: list[str] = _of_kind(kinds.of("list[str]"), [], omitempty=True)


def read_document(content: bytes, config: Config) -> RuntimeValues:
    """Decodes and checks the file's content. Raises InvalidRuntimeConfig."""
    values = RuntimeValues()
    decoder = RuntimeDecoder(config.limits, config.ingester.instance_limits)
    try:
        roots = yamltree.documents(content)
        if roots and not roots[0].is_null:
            decoder.section(roots[0], values)
            decoder.finish()
    except YamlError as err:
        raise InvalidRuntimeConfig(str(err)) from None
    except ValueError as err:
        raise InvalidRuntimeConfig(str(err)) from None
    if len(roots) > 1:
        raise InvalidRuntimeConfig("the provided runtime configuration contains multiple documents")
    if any(checked in ",".join(config.target) for checked in CHECKED_TARGETS):
        for tenant, limits in values.overrides.items():
            try:
                validate_tenant_limits(limits, config, tenant)
            except InvalidConfig as err:
                raise InvalidRuntimeConfig(str(err)) from None
    return values
