"""What each tenant writes and holds here: the rates and the numbers of series that the stats pages show."""

from __future__ import annotations

import time
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import TYPE_CHECKING

from neocortex import _native
from neocortex.observe.rate import EwmaRate
from neocortex.turns import in_turns

if TYPE_CHECKING:
    from neocortex.ingester.tenants import Tenants


@dataclass(slots=True)
class UserStats:
    """One tenant's figures, in the order of Cortex's JSON. Rates in samples a second."""

    ingestion_rate: float = 0.0
    series: int = 0
    api_ingestion_rate: float = 0.0
    rule_ingestion_rate: float = 0.0
    active_series: int = 0
    loaded_blocks: int = 0
    queried_ingesters: int = 0

    def add(self, other: UserStats) -> None:
        """Adds the figures of another ingester."""
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))

    def json_members(self) -> str:
        """The members of a JSON object, as Go writes them."""
        names = zip(_JSON_NAMES, fields(self), strict=True)
        return ",".join(f'"{name}":{_go_number(getattr(self, field.name))}' for name, field in names)


_JSON_NAMES = (
    "ingestionRate",
    "numSeries",
    "APIIngestionRate",
    "RuleIngestionRate",
    "activeSeries",
    "loadedBlocks",
    "queriedIngesters",
)


def _go_number(value: float) -> str:
    """A number that is not negative as Go's `encoding/json` writes it."""
    if value == int(value) and value < 1e21:
        return str(int(value))
    if value < 1e-6:
        mantissa, _, exponent = repr(value).partition("e-")
        return f"{mantissa}e-{int(exponent)}"
    return format(Decimal(repr(value)), "f") if value < 1e21 else repr(value)


class IngestionStats:
    """Rates and active series of the open tenants. Used on the event loop only.

    `idle_s`: a series that got no sample for that long is no longer active; None when active series are not counted.
    """

    def __init__(self, tenants: Tenants, pool: _native.Pool, *, rate_period_s: float, idle_s: float | None) -> None:
        self._tenants = tenants
        self._pool = pool
        self._rate_period_s = rate_period_s
        self._idle_s = idle_s
        self._active_since_ms = 0
        self._rates: dict[str, tuple[EwmaRate, EwmaRate]] = {}

    def appended(self, tenant: str, samples: int, *, from_rule: bool) -> None:
        """Samples were written, by a client or by the ruler."""
        rates = self._rates.get(tenant)
        if rates is None:
            rates = self._rates[tenant] = (EwmaRate(self._rate_period_s), EwmaRate(self._rate_period_s))
        rates[from_rule].add(samples)

    def forget(self, tenant: str) -> None:
        """The tenant's database was removed."""
        self._rates.pop(tenant, None)

    def tick_rates(self) -> None:
        """Called every `rate_period_s`."""
        for api, rule in self._rates.values():
            api.tick()
            rule.tick()

    async def purge_idle(self) -> dict[str, tuple[int, int]]:
        """Ends the activity of idle series; gives every tenant's active series, and those of native histograms."""
        if self._idle_s is None:
            return {}
        self._active_since_ms = int((time.time() - self._idle_s) * 1000)
        tenants = list(self._tenants)
        active = await self._active([tsdb for _, tsdb in tenants])
        return {tenant: series for (tenant, _), series in zip(tenants, active, strict=True)}

    async def of(self, tenant: str) -> UserStats:
        """The tenant's figures; zeros for one that has not written here."""
        tsdb = self._tenants.get(tenant)
        if tsdb is None:
            return UserStats()
        (stats,) = await _native.stats_of(self._pool, [tsdb])
        ((active, _),) = await self._active([tsdb])
        return self._figures(tenant, stats, active)

    async def of_all(self) -> dict[str, UserStats]:
        """The figures of every tenant that has a database here."""
        tenants = [row async for row in self._tenants.stats()]
        active = await self._active([database.tsdb for _, database, _ in tenants])
        rows = in_turns(zip(tenants, active, strict=True))
        return {tenant: self._figures(tenant, stats, series) async for (tenant, _, stats), (series, _) in rows}

    def _figures(self, tenant: str, stats: _native.TsdbStats, active_series: int) -> UserStats:
        rates = self._rates.get(tenant)
        api, rule = (rate.per_second for rate in rates) if rates is not None else (0.0, 0.0)
        return UserStats(
            ingestion_rate=api + rule,
            series=stats.series,
            api_ingestion_rate=api,
            rule_ingestion_rate=rule,
            active_series=active_series,
            loaded_blocks=stats.blocks,
        )

    async def _active(self, tsdbs: list[_native.Tsdb]) -> list[tuple[int, int]]:
        """Active series of each, and those of native histograms; zeros where they are not counted."""
        if self._idle_s is None or not tsdbs:
            return [(0, 0)] * len(tsdbs)
        # Between two purges nothing ends to be active, as in Cortex: the same point in time is asked for again.
        return await _native.active_series_of(self._pool, tsdbs, self._active_since_ms)
