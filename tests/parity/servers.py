"""A Neocortex and a Prometheus that hold the data set."""

import json
import urllib.parse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from parity.dataset import Series, batches, series
from parity.generate import Query
from parity.vocabulary import Dialect
from support.processes import Neocortex, Process, free_port, http_ok
from support.remote_write import V1_TYPE, Client, encode_v1

TENANT = "parity"

PHASE_MS = {Dialect.PROMETHEUS_2: 377, Dialect.PROMETHEUS_3: 0}
"""Where samples stand on the grid of queries: for 2.42, which closes windows on the left, never on a window's edge."""

FEATURES = (
    "promql-experimental-functions",
    "promql-duration-expr",
    "promql-extended-range-selectors",
    "promql-binop-fill-modifiers",
    "promql-delayed-name-removal",
    "use-start-timestamps",
    "type-and-unit-labels",
)
"""What is switched on in a current Prometheus."""

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True)
class Server:
    """A query API on one connection."""

    client: Client
    prefix: str

    def ask(self, query: Query) -> dict[str, Any]:
        """The answer's JSON, with the HTTP status as `code`."""
        form = {"query": query.text}
        if query.instant:
            form["time"] = f"{query.start_ms / 1000:.3f}"
        else:
            form |= {"start": f"{query.start_ms / 1000:.3f}", "end": f"{query.end_ms / 1000:.3f}"}
            form["step"] = f"{query.step_ms / 1000:.3f}"
        return self._post("query" if query.instant else "query_range", form)

    def parse(self, query: Query) -> list[dict[str, Any]]:
        """The text formatted, and its tree."""
        return [self._post(endpoint, {"query": query.text}) for endpoint in ("format_query", "parse_query")]

    def _post(self, endpoint: str, form: dict[str, str]) -> dict[str, Any]:
        path = f"{self.prefix}/api/v1/{endpoint}"
        answer = self.client.request("POST", path, urllib.parse.urlencode(form).encode(), FORM)
        try:
            body: dict[str, Any] = json.loads(answer.body)
        except ValueError as e:
            raise AssertionError(f"{endpoint} {form}: {answer.status} and no JSON: {answer.body[:500]!r}") from e
        return body | {"code": answer.status}


@contextmanager
def both(folder: Path, prometheus: str, dialect: Dialect) -> Iterator[tuple[Server, Server]]:
    """Neocortex and the Prometheus of a path, in this order, with the data set in them.

    Beside a current Prometheus both have all features of PromQL switched on, and native histograms.
    """
    (folder / "neocortex").mkdir()
    port, phase_ms, newer = free_port(), PHASE_MS[dialect], dialect is Dialect.PROMETHEUS_3
    extra = ["-querier.promql-features=all"] if newer else []
    with Neocortex(folder / "neocortex", extra=extra) as neocortex:
        process = start_prometheus(prometheus, folder, port, FEATURES if newer else ())
        try:
            with Client(neocortex.port, TENANT) as ours, Client(port) as theirs:
                all_series = series(histograms=newer)
                push(ours, "/api/v1/push", all_series, phase_ms)
                push(theirs, "/api/v1/write", all_series, phase_ms)
                yield Server(ours, "/prometheus"), Server(theirs, "")
        finally:
            process.stop()


def start_prometheus(binary: str, folder: Path, port: int, features: Sequence[str]) -> Process:
    """A Prometheus that scrapes nothing and takes remote write. Subqueries step a minute by default, as in Cortex."""
    config = folder / "prometheus.yml"
    config.write_text("global: {evaluation_interval: 1m}\n")
    argv = [
        binary,
        f"--config.file={config}",
        f"--storage.tsdb.path={folder}/prometheus",
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.enable-remote-write-receiver",
        "--log.level=warn",
    ]
    if features:
        argv.append(f"--enable-feature={','.join(features)}")
    return Process(argv, folder / "prometheus.log", lambda: http_ok(f"http://127.0.0.1:{port}/-/ready"))


def push(client: Client, path: str, all_series: list[Series], phase_ms: int) -> None:
    """Remote-writes the data set."""
    headers = {
        "Content-Type": V1_TYPE,
        "Content-Encoding": "snappy",
        "X-Prometheus-Remote-Write-Version": "0.1.0",
    }
    for batch in batches(all_series, phase_ms):
        answer = client.request("POST", path, encode_v1(batch), headers)
        assert answer.status in (200, 204), f"{path}: {answer.status} {answer.text}"
