"""The Cython request path against its plain Python twin, on what one push and one query carry.

Read the ratio of two rows of one group; single rates depend on what else the machine does.
"""

from collections.abc import Callable
from types import ModuleType

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench import plain_http
from neocortex.http import Response, Route, _http

TWINS = pytest.mark.parametrize("path", [pytest.param(_http, id="cython"), pytest.param(plain_http, id="plain")])

HEADERS = [
    (b"host", b"cortex.example.org:9009"),
    (b"user-agent", b"Prometheus/3.5.0"),
    (b"content-length", b"98304"),
    (b"content-encoding", b"snappy"),
    (b"content-type", b"application/x-protobuf"),
    (b"x-prometheus-remote-write-version", b"0.1.0"),
    (b"x-scope-orgid", b"team-a"),
]
QUERY = (
    b"query=sum%20by%20(job)%20(rate(http_requests_total%7Bcode%3D~%225..%22%7D%5B5m%5D))"
    b"&start=1792345678.123&end=1792349278.123&step=15&match%5B%5D=up&match%5B%5D=node_load1"
)
PREFIXES = ("", "/prometheus", "/api/prom")
PATHS = (
    "/api/v1/push",
    "/api/v1/query",
    "/api/v1/query_range",
    "/api/v1/series",
    "/api/v1/labels",
    "/api/v1/label/{name}/values",
    "/api/v1/rules",
    "/api/v1/rules/{namespace}",
    "/api/v1/rules/{namespace}/{group}",
)


async def _unused(_: object) -> Response:
    raise AssertionError("not called")


def _table(path: ModuleType) -> Callable[[str, str], object]:
    table = path.PathTable()
    for prefix in PREFIXES:
        for pattern in PATHS:
            table.add(prefix + pattern, ("GET", "POST"), False, Route(("GET", "POST"), prefix + pattern, _unused))
    match: Callable[[str, str], object] = table.match
    return match


@TWINS
@pytest.mark.benchmark(group="push: headers, path, tenant")
def test_push(benchmark: BenchmarkFixture, path: ModuleType) -> None:
    match = _table(path)
    target = "/api/v1/push"

    def before_the_handler() -> None:
        org_id = path.scan_headers(HEADERS)[2]
        match("POST", target)
        path.clean_path(target)
        path.tenant_error(org_id.decode())

    benchmark(before_the_handler)


@TWINS
@pytest.mark.benchmark(group="query: form of a range query")
def test_form(benchmark: BenchmarkFixture, path: ModuleType) -> None:
    benchmark(path.parse_form, QUERY)


@TWINS
@pytest.mark.benchmark(group="label values: path with a parameter")
def test_pattern(benchmark: BenchmarkFixture, path: ModuleType) -> None:
    match = _table(path)
    benchmark(match, "GET", "/prometheus/api/v1/label/instance/values")
