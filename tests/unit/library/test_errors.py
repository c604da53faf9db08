"""What is refused, and how."""

import math
import signal
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

import neocortex

LONG = "sum_over_time(quantile_over_time(0.5, (vector(time()) % 977)[12h:1s])[12h:1s])"
"""Half a day of windows of half a day: takes minutes when nobody stops it."""

NOW = 1_700_000_000


def test_a_missing_directory(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as raised:
        neocortex.open(tmp_path / "nowhere")
    assert raised.value.filename == str(tmp_path / "nowhere")


def test_a_directory_of_something_else(tmp_path: Path) -> None:
    with pytest.raises(neocortex.StorageFailedError, match="is no database: it has neither blocks nor"):
        neocortex.open(tmp_path)


def test_damaged_blocks(prometheus_dir: Path) -> None:
    block = prometheus_dir / "01HM0000000000000000000000"
    block.mkdir()
    with pytest.raises(neocortex.StorageFailedError, match=r"meta\.json"):
        neocortex.open(prometheus_dir)
    (block / "meta.json").write_text("{")
    for path in (prometheus_dir, block):
        with pytest.raises(neocortex.StorageFailedError, match=r"meta\.json is corrupt"):
            neocortex.open(path)


BAD: list[tuple[Callable[[neocortex.Database], object], type[Exception], str]] = [
    (lambda db: db.query("sum(", NOW), neocortex.ParseError, "1:5: parse error: unclosed left parenthesis"),
    (lambda db: db.query_range("up[5m]", NOW, NOW + 60, 15), neocortex.ParseError, "invalid expression type"),
    (lambda db: db.select("up[5m]", NOW, NOW), neocortex.ParseError, "parse error"),
    (lambda db: db.series("{"), neocortex.ParseError, "parse error"),
    (lambda db: db.label_values("job", "}"), neocortex.ParseError, "parse error"),
    (lambda db: db.query("requests_total + on() requests_total", NOW), neocortex.ExecutionError, "many-to-many"),
    (lambda db: db.query("requests_total", NOW, max_samples=2), neocortex.ExecutionError, "too many samples"),
    (
        lambda db: db.select("requests_total", NOW, NOW + 60, max_samples=9),
        neocortex.ExecutionError,
        "too many samples",
    ),
    (lambda db: db.query("up", datetime(2024, 1, 1)), ValueError, "has no time zone"),
    (lambda db: db.query("up", math.nan), ValueError, "NaN"),
    (lambda db: db.query("up", math.inf), ValueError, "infinite"),
    (lambda db: db.query_range("up", NOW, NOW, 0), ValueError, "at least a millisecond"),
]


@pytest.mark.parametrize(("call", "error", "text"), BAD)
def test_bad_calls(
    database: neocortex.Database, call: Callable[[neocortex.Database], object], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        call(database)


def test_a_closed_database(database: neocortex.Database) -> None:
    database.close()
    database.close()
    calls: list[Callable[[], object]] = [
        lambda: database.query("1", NOW),
        lambda: database.select("up", NOW, NOW),
        database.series,
        database.label_names,
        lambda: database.label_values("job"),
        lambda: database.time_range,
    ]
    for call in calls:
        with pytest.raises(neocortex.ClosedError):
            call()


def test_ctrl_c_ends_a_query(database: neocortex.Database) -> None:
    timer = threading.Timer(0.2, signal.raise_signal, [signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        database.query(LONG, NOW)
    timer.join()
    assert database.query("1", NOW).kind == "scalar"
