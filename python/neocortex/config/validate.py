"""Checks of the configuration as a whole, with Cortex's texts, in Cortex's order."""

from __future__ import annotations

from neocortex.config.schema import Config
from neocortex.config.sections.limits import Limits


class InvalidConfig(ValueError):
    """The configuration contradicts itself or names something that does not exist."""


def validate(config: Config) -> None:
    """Raises InvalidConfig for the first mistake."""
    if config.http_prefix and not config.http_prefix.startswith("/"):
        raise InvalidConfig("HTTP prefix should be empty or start with /")


def validate_tenant_limits(limits: Limits, config: Config, tenant: str) -> None:
    """Checks one tenant's limits as the defaults are checked. Raises InvalidConfig for the first mistake."""
