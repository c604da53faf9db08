"""The `/runtime_config` page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neocortex.config.page import diff, to_yaml
from neocortex.overrides.document import RuntimeValues

if TYPE_CHECKING:
    from neocortex.config import Limits

NO_FILE = "runtime config file doesn't exist"


def runtime_config_page(values: RuntimeValues | None, defaults: Limits, mode: str = "") -> str:
    """The body of `/runtime_config?mode=`: everything in force, or with `diff` what differs from the default limits."""
    if values is None:
        return NO_FILE
    if mode == "diff":
        base = RuntimeValues()
        base.overrides = dict.fromkeys(values.overrides, defaults)
        return to_yaml(diff(base.shown(), values.shown()))
    return to_yaml(values.shown())
