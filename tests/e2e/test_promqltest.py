"""Prometheus's own PromQL scripts over HTTP.

The native run of the scripts (crates/promql, `tests/promqltest`) judges every answer by what the script expects and
writes down what it loaded and answered. Here a server gets the same data by remote write 2.0 and is to answer the same.
"""

import json
import os
import struct
import subprocess
import urllib.parse
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from parity.compare import Tally, difference, notes_difference
from parity.servers import FEATURES, FORM
from support.needed import need_shared
from support.processes import REPOSITORY, Neocortex
from support.prompb import v2
from support.remote_write import V2_TYPE, Client, encode_v2

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

OPTIONS = (
    # All but the labels for type and unit, which the scripts' engine does not look at.
    f"-querier.promql-features={','.join(f for f in FEATURES if f != 'type-and-unit-labels')},prometheus-3.14",
    "-name-validation-scheme=utf8",
    "-validation.enforce-metric-name=false",
    # The samples are of 1970.
    "-blocks-storage.tsdb.head-compaction-interval=5m",
    "-blocks-storage.tsdb.retention-period=0s",
)

QUERIES = (4015, 33)
"""Evaluations, and instant ones again as range queries: asked here, and left out for their start timestamps."""

WINDOW_MS = 30 * 60 * 1000
"""What one request may span: a head refuses what is older than half a block."""


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What the native run loaded and answered, in its order."""
    path = tmp_path_factory.mktemp("promqltest") / "record"
    environment = {"NEOCORTEX_PROMQLTEST_RECORD": str(path), "NEOCORTEX_PROMQLTEST_DIR": str(need_shared("promqltest"))}
    argv = ["cargo", "test", "-p", "neocortex-promql", "--test", "promqltest", "--locked"]
    subprocess.run(argv, cwd=REPOSITORY, env=os.environ | environment, check=True)
    return [json.loads(line) for line in path.read_text().splitlines()]


def sections(record: list[dict[str, Any]]) -> Iterator[tuple[list[dict[str, Any]], bool, list[dict[str, Any]]]]:
    """Data, whether samples of it have start timestamps, and the queries about it."""
    begins = [at for at, line in enumerate(record) if "data" in line]
    for begin, end in pairwise([*begins, len(record)]):
        yield record[begin]["data"], record[begin]["starts"], record[begin + 1 : end]


def number(bits: int) -> float:
    """The float of its bits."""
    value: float = struct.unpack("<d", struct.pack("<Q", bits))[0]
    return value


def value(recorded: Any) -> Any:
    """A float or a `Histogram` message."""
    if isinstance(recorded, int):
        return number(recorded)
    h = v2.Histogram(schema=recorded["schema"], reset_hint=recorded["reset_hint"])
    for name in ("sum", "count_float", "zero_count_float", "zero_threshold"):
        setattr(h, name, number(recorded[name]))
    for name in ("positive_counts", "negative_counts", "custom_values"):
        getattr(h, name).extend(map(number, recorded[name]))
    for name in ("positive_spans", "negative_spans"):
        for offset, length in recorded[name]:
            getattr(h, name).add(offset=offset, length=length)
    return h


def requests(data: list[dict[str, Any]]) -> Iterator[bytes]:
    """The bodies that write all samples in the order of time."""
    parts: dict[tuple[int, int], list[Any]] = defaultdict(list)
    for series in data:
        for part, samples in in_parts(series["samples"]).items():
            parts[part].append((series["labels"], samples))
    for part in sorted(parts):
        yield encode_v2(parts[part])


def in_parts(samples: list[Any]) -> dict[tuple[int, int], list[Any]]:
    """A series by window and, in it, by turns of floats and histograms: the floats of a request are appended first."""
    parts: dict[tuple[int, int], list[Any]] = defaultdict(list)
    turn, last_t = 0, 0
    last_kind: type | None = None
    for t, recorded in samples:
        if t // WINDOW_MS != last_t // WINDOW_MS:
            turn = 0
        elif type(recorded) is not last_kind:
            turn += 1
        parts[t // WINDOW_MS, turn].append((t, value(recorded)))
        last_t, last_kind = t, type(recorded)
    return parts


def load(client: Client, data: list[dict[str, Any]]) -> None:
    """Writes all samples."""
    headers = {"Content-Type": V2_TYPE, "Content-Encoding": "snappy"}
    for body in requests(data):
        answer = client.request("POST", "/api/v1/push", body, headers)
        assert answer.status in (200, 204), f"{answer.status} {answer.text}"


def ask(client: Client, line: dict[str, Any]) -> dict[str, Any]:
    """The server's answer to a recorded query."""
    form = {"query": line["query"]}
    if line["step"]:
        form |= {name: f"{line[name] / 1000:.3f}" for name in ("start", "end", "step")}
    else:
        form["time"] = f"{line['start'] / 1000:.3f}"
    path = f"/prometheus/api/v1/query{'_range' if line['step'] else ''}"
    answer = client.request("POST", path, urllib.parse.urlencode(form).encode(), FORM)
    body: dict[str, Any] = json.loads(answer.body)
    return body | {"code": answer.status}


def mismatch(line: dict[str, Any], answer: dict[str, Any]) -> str | None:
    """None when the answer is the recorded one."""
    if "error" in line:
        return None if answer.get("error") == line["error"] else f"error {line['error']!r}, over HTTP {answer}"
    return difference(line["answer"], answer, Tally()) or notes_difference(line["answer"], answer)


def test_the_scripts_have_the_same_answers_over_http(tmp_path: Path, record: list[dict[str, Any]]) -> None:
    asked, with_starts, different = 0, 0, []
    with Neocortex(tmp_path, extra=OPTIONS) as server:
        for tenant, (data, starts, queries) in enumerate(sections(record)):
            if starts:
                with_starts += len(queries)
                continue
            asked += len(queries)
            with Client(server.port, str(tenant)) as client:
                load(client, data)
                for line in queries:
                    if found := mismatch(line, ask(client, line)):
                        times = f"{line['start']}..{line['end']}/{line['step']}"
                        different.append(f"{line['query']} @@ {times}\n    {found}")
    print(f"{asked} queries; {with_starts} more read start timestamps, which the database does not keep")
    assert not different, f"{len(different)} answers differ:\n" + "\n".join(different[:40])
    assert (asked, with_starts) == QUERIES
