"""What the victim has, against the journals: nothing acknowledged is lost, nothing is invented."""

import json
from pathlib import Path

import polars

import neocortex
from crash.writers import SERIES_A_WRITER, TENANT, Writers, value_of
from support.processes import Neocortex
from support.remote_write import Client

WINDOW_STEPS = 1000
"""Samples of a series that are read with one query."""

Found = dict[tuple[int, int], dict[int, float]]
"""(writer, series) -> {timestamp in ms: value}"""


def read(server: Neocortex, first_ms: int, last_ms: int) -> Found:
    """All samples from `first_ms` to `last_ms`, as raw samples of a range selector."""
    # A range selector leaves out its left end.
    range_ms = last_ms - first_ms + 1
    path = f"/prometheus/api/v1/query?query=crash_total[{range_ms}ms]&time={last_ms / 1000:.3f}"
    with Client(server.port, TENANT, timeout=60) as client:
        answer = client.request("GET", path)
    assert answer.status == 200, answer.text
    found: Found = {}
    for row in json.loads(answer.body)["data"]["result"]:
        key = (int(row["metric"]["writer"]), int(row["metric"]["series"]))
        samples = found.setdefault(key, {})
        for t, v in row["values"]:
            assert round(t * 1000) not in samples, f"{key} has {t} twice"
            samples[round(t * 1000)] = float(v)
    return found


def read_bucket(folder: Path, first_ms: int, last_ms: int) -> Found:
    """As `read`, of the blocks that are in a tenant's bucket as a whole."""
    found: Found = {}
    for meta in folder.glob("*/meta.json"):
        block = json.loads(meta.read_bytes())
        if block["maxTime"] <= first_ms or last_ms < block["minTime"]:
            continue
        with neocortex.open(meta.parent) as database:
            rows = polars.DataFrame(database.select("crash_total", first_ms / 1000, last_ms / 1000))
        if rows.is_empty():
            # Of late samples, a few of its range; there are no columns of labels then.
            continue
        for writer, series, t, v in rows.select("writer", "series", "timestamp", "value").iter_rows():
            found.setdefault((int(writer), int(series)), {})[round(t.timestamp() * 1000)] = v
    return found


def check(server: Neocortex, writers: Writers, from_ms: int | None = None) -> int:
    """Reads everything back, from `from_ms` on if given; gives the number of acknowledged samples that were found.

    The last window reaches beyond the last acknowledged sample, so that what was never acknowledged is looked at too.
    """
    step_ms, first_ms = writers.step_ms, max(from_ms or 0, writers.first_ms)
    acked = {writer.number: writer.journal.times("ack") for writer in writers.all}
    last_ms = max(max(times, default=first_ms) for times in acked.values())
    assert writers.refused == [], writers.refused[:3]
    present = 0
    for begin in range(first_ms, last_ms + 1, WINDOW_STEPS * step_ms):
        end = begin + (WINDOW_STEPS - 1) * step_ms
        found = read(server, begin, end)
        for key, samples in read_bucket(server.bucket / TENANT, begin, end).items():
            found.setdefault(key, {}).update(samples)
        # After the reading: the writers may be at it still.
        intended = {writer.number: writer.journal.times("intent") for writer in writers.all}
        for writer in writers.all:
            wanted = {t for t in acked[writer.number] if begin <= t <= end}
            for series in range(SERIES_A_WRITER):
                samples = found.get((writer.number, series), {})
                name = f"writer {writer.number} series {series}"
                lost = sorted(wanted - samples.keys())
                assert not lost, f"{name}: {len(lost)} acknowledged samples lost, first at {lost[0]}"
                invented = sorted(samples.keys() - intended[writer.number])
                assert not invented, f"{name}: {len(invented)} samples invented, first at {invented[0]}"
                wrong = [t for t, v in samples.items() if v != value_of(writer.number, series, t)]
                assert not wrong, f"{name}: wrong value at {wrong[0]}"
                present += len(wanted)
    return present
