"""Results as pyarrow, polars and pandas see them, against the JSON of the same result."""

import json
import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import neocortex

START_S = 1_700_000_000
END_S = START_S + 150 * 15
TENTH_S = START_S + 9 * 15

Row = tuple[frozenset[tuple[str, str]], int, Any]
"""Labels, milliseconds, and a float, a text or a histogram."""

EXPORTED = ("exported_value", "exported_timestamp")


def of_json(body: bytes) -> list[Row]:
    """The samples of an answer, in its order."""
    data = json.loads(body)["data"]
    if data["resultType"] in ("scalar", "string"):
        t, value = data["result"]
        return [(frozenset(), round(t * 1000), value if data["resultType"] == "string" else float(value))]
    rows: list[Row] = []
    for series in data["result"]:
        floats = series.get("values", []) + [series[key] for key in ("value",) if key in series]
        histograms = series.get("histograms", []) + [series[key] for key in ("histogram",) if key in series]
        points = [(t, float(v)) for t, v in floats] + [(t, of_histogram(h)) for t, h in histograms]
        points.sort(key=lambda point: point[0])
        rows += [(frozenset(series["metric"].items()), round(t * 1000), value) for t, value in points]
    return rows


def of_histogram(h: Mapping[str, Any]) -> dict[str, Any]:
    buckets = [
        dict(zip(("bounds", "lower", "upper", "count"), (bounds, *map(float, rest)), strict=True))
        for bounds, *rest in h.get("buckets", [])
    ]
    return {"count": float(h["count"]), "sum": float(h["sum"]), "buckets": buckets}


def of_row(row: Mapping[str, Any]) -> Row:
    """A row of a data frame as the JSON tells it."""
    row = dict(row)
    t_ms = round(row.pop("timestamp").timestamp() * 1000)
    value, histogram = row.pop("value"), row.pop("histogram", None)
    labels = row.pop("labels", None)
    if labels is None:
        pairs = [(name.removeprefix("exported_"), text) for name, text in row.items()]
        labels = [(name, text) for name, text in pairs if isinstance(text, str)]
    elif isinstance(labels, dict):
        labels = labels.items()
    return frozenset(labels), t_ms, value if histogram is None else of_plain(histogram)


def of_plain(histogram: Mapping[str, Any]) -> dict[str, Any]:
    return {**histogram, "buckets": [dict(bucket) for bucket in histogram["buckets"]]}


def by_pyarrow(result: neocortex.QueryResult) -> list[Row]:
    table = pa.table(result)
    table.validate(full=True)
    return [of_row(row) for row in table.to_pylist()]


def by_pyarrow_array(result: neocortex.QueryResult) -> list[Row]:
    batch = pa.record_batch(result)
    batch.validate(full=True)
    return [of_row(row) for row in batch.to_pylist()]


def by_polars(result: neocortex.QueryResult) -> list[Row]:
    return [of_row(row) for row in pl.DataFrame(result).rows(named=True)]


def by_pandas(result: neocortex.QueryResult) -> list[Row]:
    frame = pd.DataFrame.from_arrow(result)
    return [of_row(row) for row in frame.to_dict("records")]


def same(found: list[Row], expected: list[Row]) -> bool:
    """Equal, NaN being NaN and in pandas also what is no float at all."""
    return len(found) == len(expected) and all(
        a[:2] == b[:2] and (a[2] == b[2] or (isinstance(b[2], float) and math.isnan(a[2]) and math.isnan(b[2])))
        for a, b in zip(found, expected, strict=True)
    )


QUERIES = {
    "vector": ('requests_total{instance!="host-0"}', None),
    "histograms": ("latency", None),
    "floats and histograms": ('{job="web"}', None),
    "labels called like columns": (
        'label_replace(count_values("value", requests_total), "timestamp", "x", "", "")',
        None,
    ),
    "not a number": ("requests_total / 0 * 0", None),
    "without labels": ("sum(requests_total)", None),
    "nothing": ("nobody_has_this", None),
    "scalar": ("time() / 8", None),
    "string": ('"tëxt"', None),
    "range": ("rate(requests_total[1m])", 15),
    "range of floats and histograms": ('{job="web"}', 30),
    "range of a scalar": ("1 / 3", 60),
}


@pytest.mark.parametrize("consumer", [by_pyarrow, by_pyarrow_array, by_polars, by_pandas])
@pytest.mark.parametrize("name", QUERIES)
@pytest.mark.parametrize("as_map", [False, True])
def test_data_frames_have_what_the_json_has(
    database: neocortex.Database, name: str, as_map: bool, consumer: Callable[[neocortex.QueryResult], list[Row]]
) -> None:
    text, step = QUERIES[name]
    result = database.query(text, TENTH_S) if step is None else database.query_range(text, START_S, END_S, step)
    expected = of_json(result.json())
    assert (expected == []) == (name == "nothing")
    found = consumer(result.with_label_map() if as_map else result)
    assert same(found, expected), (found[:3], expected[:3])
    assert len(result) == len(expected)


@pytest.mark.parametrize("consumer", [by_pyarrow, by_polars, by_pandas])
def test_samples_are_selected_as_they_were_stored(
    database: neocortex.Database, consumer: Callable[[neocortex.QueryResult], list[Row]]
) -> None:
    result = database.select('{job="web"}', START_S, END_S)
    expected = of_json(result.json())
    assert result.kind == "matrix"
    assert consumer(result) == expected
    assert len(expected) == 5 * 150 + 1, "the staleness marker is no sample"
    labels = frozenset({"__name__": "requests_total", "instance": "host-2", "job": "web"}.items())
    stored = [(t, v) for of, t, v in expected if of == labels]
    assert stored == [((START_S + 15 * i) * 1000, 2.0 * i) for i in range(150)]


def test_the_schema_is_that_of_the_documentation(database: neocortex.Database) -> None:
    result = database.query('{job="web"}', TENTH_S)
    schema = pa.table(result).schema
    dictionary = pa.dictionary(pa.int32(), pa.string())
    assert schema.field("timestamp") == pa.field("timestamp", pa.timestamp("ms", tz="UTC"), nullable=False)
    assert schema.names == ["timestamp", "__name__", "instance", "job", "value", "histogram"]
    assert {schema.field(name).type for name in ("__name__", "instance", "job")} == {dictionary}
    assert schema.field("value").type == pa.float64()
    assert pa.table(result.with_label_map()).schema.field("labels").type == pa.map_(
        pa.string(), pa.string(), keys_sorted=True
    )
    assert pl.DataFrame(result)["instance"].dtype == pl.Categorical
    assert isinstance(pd.DataFrame.from_arrow(result)["instance"].dtype, pd.CategoricalDtype)


def address(column: pa.Array, buffer: int) -> int:
    found: int = column.buffers()[buffer].address
    return found


def test_consumers_share_the_memory(database: neocortex.Database) -> None:
    result = database.select("requests_total", START_S, END_S)
    batch, (chunk,) = pa.record_batch(result), pa.table(result).to_batches()
    assert address(batch["value"], 1) == address(chunk["value"], 1)
    assert address(batch["timestamp"], 1) == address(chunk["timestamp"], 1)
    assert address(batch["instance"].indices, 1) == address(chunk["instance"].indices, 1)
    assert address(batch["instance"].dictionary, 2) == address(chunk["instance"].dictionary, 2)
    frame = pl.DataFrame(result)
    for name in ("timestamp", "value"):
        numbers = frame[name].to_physical().to_numpy(allow_copy=False)
        assert numbers.__array_interface__["data"][0] == address(batch[name], 1)


def test_columns_outlive_result_and_database(database: neocortex.Database) -> None:
    result = database.select("requests_total", START_S, END_S)
    expected = of_json(result.json())
    table, unused = pa.table(result), result.__arrow_c_stream__()
    database.close()
    del result, unused
    table.validate(full=True)
    assert [of_row(row) for row in table.to_pylist()] == expected


def test_series_and_labels(database: neocortex.Database) -> None:
    series = database.series('requests_total{instance=~"host-[12]"}')
    expected = [{"__name__": "requests_total", "instance": f"host-{i}", "job": "web"} for i in (1, 2)]
    assert series.kind == "series"
    assert json.loads(series.json())["data"] == expected
    assert pa.table(series).to_pylist() == expected
    assert pl.DataFrame(series).rows(named=True) == expected
    assert len(database.series()) == 6
    assert database.label_names() == ["__name__", "instance", "job"]
    assert database.label_names("latency") == ["__name__", "job"]
    assert database.label_values("instance") == [f"host-{i}" for i in range(4)]
    assert database.label_values("instance", 'requests_total{instance!="host-0"}') == ["host-1", "host-2", "host-3"]


def test_remarks_are_kept(database: neocortex.Database) -> None:
    result = database.query("quantile(2, rate({job='web'}[1m]))", TENTH_S)
    assert result.warnings == ["PromQL warning: quantile value should be between 0 and 1, got 2 (1:10)"]
    assert result.infos == ["PromQL info: ignored histogram in quantile aggregation (1:13)"]
    answer = json.loads(result.json())
    assert (answer["warnings"], answer["infos"]) == (result.warnings, result.infos)


@pytest.mark.parametrize(
    "time",
    [TENTH_S, float(TENTH_S), datetime.fromtimestamp(TENTH_S, UTC), pd.Timestamp(TENTH_S, unit="s", tz="Asia/Tokyo")],
)
def test_times_are_datetimes_or_seconds(database: neocortex.Database, time: datetime | float) -> None:
    assert of_json(database.query('requests_total{instance="host-1"}', time).json())[0][1:] == (TENTH_S * 1000, 9.0)


@pytest.mark.parametrize("step", [15, 15.0, timedelta(seconds=15), pd.Timedelta("15s")])
def test_durations_are_timedeltas_or_seconds(database: neocortex.Database, step: timedelta | float) -> None:
    result = database.query_range('requests_total{instance="host-1"}', START_S, START_S + 45, step, lookback=step)
    assert [value for _, _, value in of_json(result.json())] == [0.0, 1.0, 2.0, 3.0]


def test_the_range_of_times(database: neocortex.Database) -> None:
    assert database.time_range == (datetime.fromtimestamp(START_S, UTC), datetime.fromtimestamp(END_S, UTC))
