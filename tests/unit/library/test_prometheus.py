"""Directories of a real Prometheus: while it runs, after its death, and blocks that promtool made."""

import json
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

import neocortex
from support.needed import need_program
from support.processes import Process, free_port, http_ok

START_S = 1_700_006_400
"""A whole number of two hours."""

MINUTES = 180


def make_blocks(folder: Path) -> Path:
    lines = [
        f'theirs{{i="{i}"}} {i * minute / 8} {START_S + minute * 60}' for minute in range(MINUTES) for i in range(10)
    ]
    source = folder / "input"
    source.write_text("\n".join(["# TYPE theirs gauge", *lines, "# EOF", ""]))
    command = [need_program("promtool"), "tsdb", "create-blocks-from", "openmetrics", str(source), str(folder / "data")]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return folder / "data"


def test_blocks_of_prometheus(tmp_path: Path) -> None:
    folder = make_blocks(tmp_path)
    with neocortex.open(folder) as database:
        result = database.select("theirs", START_S, START_S + 86_400)
        assert len(result) == 10 * MINUTES
        (value,) = database.query('theirs{i="8"}', START_S + 100 * 60).json().decode().split('"value":')[1:]
        assert '"100"' in value
    rows = 0
    blocks = sorted(path.parent for path in folder.rglob("meta.json"))
    assert len(blocks) == 2
    for block in blocks:
        with neocortex.open(str(block)) as database:
            rows += len(database.select("theirs", START_S, START_S + 86_400))
            assert database.label_values("i") == [str(i) for i in range(10)]
    assert rows == 10 * MINUTES


CONFIG = """
global: {{scrape_interval: 250ms}}
scrape_configs:
- job_name: self
  static_configs: [{{targets: ['127.0.0.1:{port}']}}]
"""

QUERIES = ("up", '{__name__=~"prometheus_.+"}', "sum by (handler) (increase(prometheus_http_requests_total[3s]))")


class Prometheus:
    """A Prometheus that scrapes itself."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self._url = f"http://127.0.0.1:{(port := free_port())}"
        config = folder / "prometheus.yml"
        config.write_text(CONFIG.format(port=port))
        flags = {"config.file": config, "storage.tsdb.path": self.data, "web.listen-address": f"127.0.0.1:{port}"}
        argv = [need_program("prometheus"), *(f"--{name}={value}" for name, value in flags.items())]
        self.process = Process(argv, folder / "log", lambda: http_ok(f"{self._url}/-/ready"))

    def query(self, text: str, time_s: float) -> list[Any]:
        """The elements of the answer, sorted."""
        with urllib.request.urlopen(f"{self._url}/api/v1/query?{urlencode({'query': text, 'time': time_s})}") as body:
            return elements(body.read())


def elements(body: bytes) -> list[Any]:
    return sorted(json.loads(body)["data"]["result"], key=lambda element: sorted(element["metric"].items()))


@pytest.fixture
def prometheus(tmp_path: Path) -> Iterator[Prometheus]:
    server = Prometheus(tmp_path)
    yield server
    if server.process.poll() is None:
        server.process.kill()


def test_beside_a_running_prometheus_and_after_its_death(prometheus: Prometheus) -> None:
    end = time.monotonic() + 60
    while not prometheus.query("count_over_time(up[1m]) >= 20", time.time()):
        assert time.monotonic() < end, prometheus.process.tail()
        time.sleep(0.1)
    at = time.time() - 1
    theirs = {text: prometheus.query(text, at) for text in QUERIES}
    assert all(theirs.values())
    with neocortex.open(prometheus.data) as database:
        assert {text: elements(database.query(text, at).json()) for text in QUERIES} == theirs
    prometheus.process.kill()
    with neocortex.open(prometheus.data) as database:
        assert {text: elements(database.query(text, at).json()) for text in QUERIES} == theirs
