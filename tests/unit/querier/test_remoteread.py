"""Remote read through the endpoint, with `protobuf` on the other side."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import snappy

from support import prompb
from support.in_process import InProcess, running
from support.remote_write import Answer, compress, encode_v1

T0 = 1_700_000_000_000
Query = tuple[int, int, list[tuple[int, str, str]]]


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[InProcess]:
    async with running(tmp_path, "-querier.max-fetched-series-per-query=2", "-store.max-query-length=1h") as process:
        series = [({"__name__": "a", "i": str(i)}, [(T0 + 1000 * n, float(i + n)) for n in range(4)]) for i in range(2)]
        series.append(({"__name__": "b"}, [(T0, 5.0)]))
        assert (await process.push(encode_v1(series))).status == 200
        yield process


def request(*queries: Query) -> Any:
    message = prompb.v1.ReadRequest()
    for start, end, matchers in queries:
        query = message.queries.add(start_timestamp_ms=start, end_timestamp_ms=end)
        for kind, name, value in matchers:
            query.matchers.add(type=kind, name=name, value=value)
    return message


async def send(server: InProcess, body: bytes, tenant: str = "t", prefix: str = "/prometheus") -> Answer:
    return await server.call("POST", f"{prefix}/api/v1/read", body, tenant=tenant)


def results(answer: Answer) -> list[list[tuple[dict[str, str], list[tuple[int, float]]]]]:
    assert (answer.status, answer.headers["content-type"]) == (200, "application/x-protobuf")
    assert "content-encoding" not in answer.headers
    message = prompb.v1.ReadResponse()
    message.ParseFromString(snappy.decompress(answer.body))
    return [
        [
            ({label.name: label.value for label in series.labels}, [(s.timestamp, s.value) for s in series.samples])
            for series in result.timeseries
        ]
        for result in message.results
    ]


@pytest.mark.parametrize("prefix", ["/prometheus", "/api/prom"])
async def test_queries_are_answered_in_their_order(server: InProcess, prefix: str) -> None:
    message = request(
        (T0, T0, [(0, "__name__", "b")]),
        (T0 + 1000, T0 + 2000, [(2, "__name__", "a|b"), (1, "i", "0")]),
        (T0, T0 + 5000, [(0, "__name__", "missing")]),
    )
    message.accepted_response_types.extend([1, 0])
    assert results(await send(server, compress(message), prefix=prefix)) == [
        [({"__name__": "b"}, [(T0, 5.0)])],
        [({"__name__": "a", "i": "1"}, [(T0 + 1000, 2.0), (T0 + 2000, 3.0)])],
        [],
    ]


async def test_no_query_and_unknown_tenants(server: InProcess) -> None:
    assert results(await send(server, compress(request()))) == []
    assert results(await send(server, compress(request((T0, T0, [(0, "__name__", "b")]))), "other")) == [[]]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"nope nope nope", "snappy: corrupt input"),
        (b"", "snappy: corrupt input"),
        (snappy.compress(b"\x0a\x05abc"), "unexpected EOF"),
        (b"x" * (1 << 21), "received message larger than max (2097152 vs 1048576)"),
        (compress(request((0, 0, [(2, "__name__", "(")]))), "error parsing regexp: missing closing ): `(`"),
        (compress(request((5, 1, [(0, "__name__", "a")]))), "invalid blocks time range"),
        (
            compress(request((0, 3_600_001, [(0, "__name__", "a")]))),
            "the query time range exceeds the limit (query length: 1h0m0.001s, limit: 1h0m0s)",
        ),
        (
            compress(request((T0, T0, [(2, "__name__", ".+")]))),
            "the query hit the max number of series limit (limit: 2 series)",
        ),
    ],
)
async def test_what_cannot_be_answered_is_400(server: InProcess, body: bytes, text: str) -> None:
    answer = await send(server, body)
    assert (answer.status, answer.text) == (400, text + "\n")


async def test_tenants(server: InProcess) -> None:
    answer = await send(server, compress(request()), "a/b")
    assert (answer.status, answer.text) == (400, "tenant ID 'a/b' contains unsupported character '/'\n")


async def test_a_ring_without_ingesters(server: InProcess) -> None:
    await server.call("POST", "/ingester/shutdown")
    answer = await send(server, compress(request((T0, T0, [(0, "__name__", "b")]))))
    assert (answer.status, answer.text) == (400, "empty ring\n")
