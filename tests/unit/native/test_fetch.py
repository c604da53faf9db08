"""What a query may fetch, and what it has fetched."""

from pathlib import Path

import pytest

from neocortex import _native
from neocortex.querier.dialect import CORTEX
from support.remote_write import encode_v1

LIMITS = _native.SeriesLimits(
    series_per_user=(0, 0, 1000),
    series_per_metric=(0, 0, 1000),
    histogram_series_per_user=(0, 0, 1000),
    series_per_label_set=[],
    metadata_per_user=(0, 0, 1000),
    metadata_per_metric=(0, 0, 1000),
    max_exemplars=0,
    native_histograms=False,
    out_of_order_window_ms=0,
    admin_message="",
)
SERIES = 300


@pytest.fixture
async def tsdb(pool: _native.Pool, tsdb_options: _native.TsdbOptions, tmp_path: Path) -> _native.Tsdb:
    """Series of which every third has two chunks, the others one."""
    tsdb = await _native.Tsdb.open(pool, str(tmp_path / "t"), tsdb_options)
    series = [
        ({"__name__": "m", "i": f"{i:03}"}, [(k * 1000, float(i)) for k in range(150 if i % 3 == 0 else 20)])
        for i in range(SERIES)
    ]
    request = await _native.WriteRequest.decode(pool, encode_v1(series), 1, 1 << 24)
    await tsdb.append(pool, request, LIMITS)
    return tsdb


async def fetched(pool: _native.Pool, tsdb: _native.Tsdb, query: str, *, max_chunks: int, exact: bool) -> _native.Fetch:
    fetch = _native.Fetch(max_series=0, max_chunks=max_chunks, max_chunk_bytes=0, max_data_bytes=0, exact=exact)
    await _native.Query.parse(query, CORTEX).evaluate(
        pool,
        tsdb,
        _native.Cancellation(60),
        fetch,
        start_ms=200_000,
        end_ms=200_000,
        step_ms=0,
        visible_ms=(0, 1 << 60),
        lookback_ms=300_000,
        default_step_ms=60_000,
        max_samples=0,
        stats=False,
        per_step_stats=False,
    )
    return fetch


async def test_exact_figures(pool: _native.Pool, tsdb: _native.Tsdb) -> None:
    found = await fetched(pool, tsdb, "count(m)", max_chunks=0, exact=True)
    assert (found.series, found.chunks, found.samples) == (300, 400, 100 * 150 + 200 * 20)
    assert found.selectors == [(300, 19_000, 400)]
    assert found.data_bytes > found.chunk_bytes > 400 * 18
    assert found.storage_s > 0


async def test_estimates_are_near(pool: _native.Pool, tsdb: _native.Tsdb) -> None:
    found = await fetched(pool, tsdb, "count(m)", max_chunks=1 << 20, exact=False)
    assert found.series == 300
    assert found.chunks == pytest.approx(400, rel=0.1)
    assert found.samples == pytest.approx(19_000, rel=0.2)


async def test_a_limit_holds_where_figures_are_estimates(pool: _native.Pool, tsdb: _native.Tsdb) -> None:
    found = await fetched(pool, tsdb, "count(m)", max_chunks=400, exact=False)
    assert found.chunks == 400, "near the limit they are exact"
    with pytest.raises(_native.LimitError, match=r"max number of chunks limit \(limit: 399 chunks\)"):
        await fetched(pool, tsdb, "count(m)", max_chunks=399, exact=False)


async def test_every_selector_counts(pool: _native.Pool, tsdb: _native.Tsdb) -> None:
    found = await fetched(pool, tsdb, "m - m + m{i='001'}", max_chunks=0, exact=True)
    assert found.selectors == [(300, 19_000, 400)] * 2 + [(1, 20, 1)]
    assert (found.series, found.chunks) == (601, 801)
    with pytest.raises(_native.LimitError):
        await fetched(pool, tsdb, "m - m", max_chunks=799, exact=True)
