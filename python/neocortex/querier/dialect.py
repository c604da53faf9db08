"""Which PromQL is understood, from the configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neocortex import _native
from neocortex.errors import StartError

if TYPE_CHECKING:
    from neocortex.config.sections.querier import Querier

CORTEX = _native.Dialect(experimental_functions=False, extended_range_functions=False, features=[])
"""Cortex's with its default flags."""


def dialect(config: Querier) -> _native.Dialect:
    """The dialect of the querier's options; raises `StartError` for a feature that does not exist.

    `xrate` and its kind belong to Cortex's other engine and need it switched on, too.
    """
    engine = config.thanos_engine
    try:
        return _native.Dialect(
            experimental_functions=config.enable_promql_experimental_functions,
            extended_range_functions=engine.enabled and engine.enable_x_functions,
            features=[name for part in config.promql_features.split(",") if (name := part.strip())],
        )
    except ValueError as e:
        raise StartError(f"-querier.promql-features: {e}") from e
