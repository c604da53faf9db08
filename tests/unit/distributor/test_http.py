"""A push from its headers to the status and text of its answer."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from neocortex import _native
from neocortex.distributor.http import UnsupportedMediaType, protocol_version
from neocortex.ring.instance import Instance
from support import prompb
from support.in_process import InProcess, running
from support.remote_write import V1_TYPE, V2_TYPE, Answer, Series, compress, encode_v1, encode_v2

WRITTEN = tuple(f"x-prometheus-remote-write-{what}-written" for what in ("samples", "histograms", "exemplars"))
SUPPORTED = "supported: prometheus.WriteRequest, io.prometheus.write.v2.Request"


@pytest.mark.parametrize(
    ("content_type", "version"),
    [
        ("", 1),
        ("  ", 1),
        ("application/x-protobuf", 1),
        (" application/x-protobuf ", 1),
        ("application/x-protobuf;proto=prometheus.WriteRequest", 1),
        ("application/x-protobuf;proto=io.prometheus.write.v2.Request", 2),
        ("application/x-protobuf;charset=utf-8", 1),
        ("application/x-protobuf;charset=utf-8;proto=io.prometheus.write.v2.Request", 2),
        ("application/x-protobuf; proto=io.prometheus.write.v2.Request", 1),
        ("application/x-protobuf;proto=prometheus.WriteRequest;proto=x", 1),
    ],
)
def test_versions(content_type: str, version: int) -> None:
    assert protocol_version(content_type, "snappy", v2_enabled=True, accept_unknown=False) == version
    assert protocol_version(content_type, "", v2_enabled=True, accept_unknown=False) == version


@pytest.mark.parametrize(
    ("content_type", "text"),
    [
        (
            "application/json",
            "expected application/x-protobuf as the first (media) part, got application/json content-type",
        ),
        (
            "Application/X-Protobuf",
            "expected application/x-protobuf as the first (media) part, got Application/X-Protobuf content-type",
        ),
        (
            "application/x-protobuf ;a=b",
            "expected application/x-protobuf as the first (media) part, got application/x-protobuf ;a=b content-type",
        ),
        (
            "application/x-protobuf;charset",
            "as per https://www.rfc-editor.org/rfc/rfc9110#parameter expected parameters to be key-values,"
            " got charset in application/x-protobuf;charset content-type",
        ),
        (
            "application/x-protobuf;",
            "as per https://www.rfc-editor.org/rfc/rfc9110#parameter expected parameters to be key-values,"
            " got  in application/x-protobuf; content-type",
        ),
        (
            "application/x-protobuf;proto=a=b",
            "as per https://www.rfc-editor.org/rfc/rfc9110#parameter expected parameters to be key-values,"
            " got proto=a=b in application/x-protobuf;proto=a=b content-type",
        ),
        (
            "application/x-protobuf;proto=x",
            "got application/x-protobuf;proto=x content type; unknown type for remote write protobuf message x,"
            f" {SUPPORTED}",
        ),
    ],
)
def test_unsupported_types(content_type: str, text: str) -> None:
    with pytest.raises(UnsupportedMediaType) as refused:
        protocol_version(content_type, "snappy", v2_enabled=True, accept_unknown=False)
    assert str(refused.value) == text
    assert protocol_version(content_type, "snappy", v2_enabled=True, accept_unknown=True) == 1


@pytest.mark.parametrize("encoding", ["gzip", "Snappy", "snappy, gzip", "identity"])
@pytest.mark.parametrize("accept_unknown", [False, True])
def test_unsupported_encodings(encoding: str, accept_unknown: bool) -> None:
    with pytest.raises(UnsupportedMediaType) as refused:
        protocol_version(V1_TYPE, encoding, v2_enabled=True, accept_unknown=accept_unknown)
    assert str(refused.value) == (
        f"{encoding} encoding (compression) is not accepted by this server; only snappy is acceptable"
    )


def test_version_2_is_off_by_default() -> None:
    with pytest.raises(UnsupportedMediaType) as refused:
        protocol_version(V2_TYPE, "snappy", v2_enabled=False, accept_unknown=False)
    assert str(refused.value) == (
        "io.prometheus.write.v2.Request protobuf message is not accepted by this server;"
        " only accepts prometheus.WriteRequest"
    )


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[InProcess]:
    async with running(tmp_path, "-distributor.remote-writev2-enabled=true") as process:
        yield process


def now_ms() -> int:
    return int(time.time() * 1000)


def named(name: str, t: int | None = None) -> Series:
    return {"__name__": name}, [(now_ms() if t is None else t, 1.0)]


async def names(server: InProcess, tenant: str = "t") -> list[str]:
    """What the tenant has stored."""
    answer = await server.api("label/__name__/values", {}, tenant)
    found: list[str] = json.loads(answer.body)["data"]
    return found


def written(answer: Answer) -> list[str | None]:
    """The counts of the headers of remote write 2.0."""
    return [answer.headers.get(name) for name in WRITTEN]


async def test_what_is_good_is_written(server: InProcess) -> None:
    first = await server.push(encode_v1([named("a"), named("b")]))
    assert (first.status, first.body) == (200, b"")
    assert "content-type" not in first.headers
    assert written(first) == [None] * 3
    second = await server.push(encode_v2([named("c"), named("d")]), content_type=V2_TYPE)
    assert (second.status, second.body) == (204, b"")
    assert written(second) == ["2", "0", "0"]
    assert await names(server) == ["a", "b", "c", "d"]


async def test_an_empty_message_is_fine(server: InProcess) -> None:
    assert (await server.push(encode_v1([]))).status == 200
    answer = await server.push(encode_v2([]), content_type=V2_TYPE)
    assert (answer.status, written(answer)) == (204, ["0", "0", "0"])


async def test_other_types_of_the_same_body(server: InProcess) -> None:
    """A message of the other version is one without series."""
    answer = await server.push(encode_v1([named("a")]), content_type=V2_TYPE)
    assert (answer.status, written(answer)) == (204, ["0", "0", "0"])
    assert (await server.push(encode_v2([named("a")]))).status == 200
    assert await names(server) == []


@pytest.mark.parametrize("body", [b"", b"plain", encode_v1([({"__name__": "a"}, [(1, 1.0)])])[:-3]])
@pytest.mark.parametrize("content_type", [V1_TYPE, V2_TYPE])
async def test_a_body_that_is_not_snappy(server: InProcess, body: bytes, content_type: str) -> None:
    answer = await server.push(body, content_type=content_type)
    assert (answer.status, answer.text) == (400, "snappy: corrupt input\n")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert written(answer) == [None] * 3


async def test_an_unsupported_type_is_415(server: InProcess) -> None:
    answer = await server.push(b"", content_type="application/json")
    assert (answer.status, answer.headers["content-type"]) == (415, "text/plain; charset=utf-8")
    assert answer.text.startswith("expected application/x-protobuf as the first (media) part")


@pytest.mark.parametrize(("content_type", "headers"), [(V1_TYPE, [None] * 3), (V2_TYPE, ["0"] * 3)])
async def test_an_invalid_tenant_is_500(server: InProcess, content_type: str, headers: list[str | None]) -> None:
    encode = encode_v1 if content_type == V1_TYPE else encode_v2
    answer = await server.push(encode([named("a")]), "a/b", content_type)
    assert (answer.status, answer.text) == (500, "tenant ID 'a/b' contains unsupported character '/'\n")
    assert written(answer) == headers


async def test_series_that_are_good_are_written_beside_others(server: InProcess) -> None:
    series: list[Series] = [
        named("good_1"),
        ({"__name__": "bad", "1": "x"}, [(now_ms(), 1.0)]),
        ({"job": "without a name"}, [(now_ms(), 1.0)]),
        named("from_the_future", now_ms() + 3_600_000),
        named("good_2"),
    ]
    answer = await server.push(encode_v2(series), content_type=V2_TYPE)
    assert answer.status == 400
    assert "sample invalid label" in answer.text, "the first refusal"
    assert written(answer) == ["2", "0", "0"]
    assert await names(server) == ["good_1", "good_2"]
    again = await server.push(encode_v1(series))
    assert (again.status, again.text) == (400, answer.text)
    assert written(again) == [None] * 3


async def test_what_an_ingester_refuses_is_named(server: InProcess) -> None:
    now = now_ms()
    assert (await server.push(encode_v1([named("a", now)]))).status == 200
    answer = await server.push(encode_v2([named("a", now - 60_000), named("b", now)]), content_type=V2_TYPE)
    assert answer.status == 400
    assert answer.text.startswith("maxFailure (quorum) on a given error family, addr=")
    assert " state=ACTIVE zone=, rpc error: code = Code(400) desc = user=t: " in answer.text
    assert "out of order sample" in answer.text
    assert written(answer) == ["0", "0", "0"]
    assert await names(server) == ["a", "b"], "the others are written all the same"


@pytest.mark.parametrize(
    ("rate", "shown"),
    [
        ("1", "1"),
        ("0.5", "0.5"),
        ("0.00001", "1e-05"),
        ("25000", "25000"),
        ("123456.7", "123456.7"),
        ("999999", "999999"),
        ("1000000", "1e+06"),
        ("1234567", "1.234567e+06"),
        ("1e21", "1e+21"),
    ],
)
async def test_the_rate_is_shown_as_go_shows_it(tmp_path: Path, rate: str, shown: str) -> None:
    flags = (f"-distributor.ingestion-rate-limit={rate}", "-distributor.ingestion-burst-size=1")
    async with running(tmp_path, *flags, "-distributor.remote-writev2-enabled=true") as server:
        message = prompb.v1.WriteRequest()
        message.metadata.add(type=1, metric_family_name="a", help="h")
        for name in ("a", "b"):
            entry = message.timeseries.add()
            entry.labels.add(name="__name__", value=name)
            entry.samples.add(timestamp=now_ms(), value=1.0)
        answer = await server.push(compress(message))
        assert answer.status == 429
        assert answer.text == f"ingestion rate limit ({shown}) exceeded while adding 2 samples and 1 metadata\n"
        assert await names(server) == []
        newer = await server.push(encode_v2([named("a"), named("b")]), content_type=V2_TYPE)
        assert (newer.status, written(newer)) == (429, ["0", "0", "0"])


async def test_refused_series_do_not_count_against_the_rate(tmp_path: Path) -> None:
    flags = ("-distributor.ingestion-rate-limit=0.001", "-distributor.ingestion-burst-size=2")
    async with running(tmp_path, *flags) as server:
        bad = [named(f"too_new_{i}", now_ms() + 3_600_000) for i in range(10)]
        assert (await server.push(encode_v1([*bad, named("a"), named("b")]))).status == 400
        assert await names(server) == ["a", "b"]
        assert (await server.push(encode_v1([named("c")]))).status == 429
        assert (await server.push(encode_v1([named("c")]), "another")).status == 200


async def test_too_few_ingesters(tmp_path: Path) -> None:
    async with running(tmp_path, "-distributor.replication-factor=3") as server:
        answer = await server.push(encode_v1([named("a")]))
        assert (answer.status, answer.text) == (
            500,
            "at least 2 live replicas required, could only find 1 - unhealthy instances: \n",
        )
        await server.process.kv.update("ring", lambda members: members | {"x": Instance("x", "10.9.9.9:1")})
        answer = await server.push(encode_v1([named("a")]))
        assert answer.text == (
            "at least 2 live replicas required, could only find 1 - unhealthy instances: 10.9.9.9:1\n"
        )
        await server.process.kv.update("ring", lambda _: {})
        answer = await server.push(encode_v1([named("a")]))
        assert (answer.status, answer.text) == (500, "DoBatch: InstancesCount <= 0\n")


async def test_a_body_that_is_too_large(tmp_path: Path) -> None:
    async with running(tmp_path, "-distributor.max-recv-msg-size=100") as server:
        declared = await server.push(b"x" * 101)
        assert (declared.status, declared.text) == (400, "received message larger than max (101 vs 100)\n")
        inflated = encode_v1([({"__name__": "a" * 1000}, [(1, 1.0)])])
        assert len(inflated) <= 100
        answer = await server.push(inflated)
        assert answer.status == 400
        assert answer.text.startswith("received message larger than max (10")
        assert answer.text.endswith(" vs 100)\n")


async def test_overloaded_workers_are_503(server: InProcess) -> None:
    """One thread and one place in the queue, both taken: the next push is refused and may be sent again."""
    small = _native.Pool(asyncio.get_running_loop(), 1, 1, "small")
    body = encode_v1([named(f"a_{i}") for i in range(20_000)])
    route = server.process.app.route("POST", "/api/v1/push")
    assert route is not None
    route.handler.__self__._pool = small  # type: ignore[attr-defined]
    answers = await asyncio.gather(*(server.push(body) for _ in range(6)))
    small.close()
    statuses = sorted(answer.status for answer in answers)
    assert set(statuses) == {200, 503}
    assert {answer.text for answer in answers if answer.status == 503} == {"too many requests are queued\n"}


async def test_new_limits_apply_to_series_that_were_accepted(tmp_path: Path) -> None:
    """The core remembers label sets that were checked; the runtime file's new limits check them again."""
    runtime = tmp_path / "runtime.yaml"
    runtime.write_text("overrides:\n  t:\n    max_label_names_per_series: 5\n")
    async with running(tmp_path, f"-runtime-config.file={runtime}", "-runtime-config.reload-period=10ms") as server:
        body = encode_v1([({"__name__": "a", "b": "c", "d": "e"}, [(now_ms(), 1.0)])])
        assert (await server.push(body)).status == 200
        assert (await server.push(body)).status == 200
        runtime.write_text("overrides:\n  t:\n    max_label_names_per_series: 2\n")
        assert await becomes(server, body, 400)
        runtime.write_text("overrides:\n  t:\n    max_label_names_per_series: 3\n")
        assert await becomes(server, body, 200)
        assert (await server.push(body, "other")).status == 200


async def becomes(server: InProcess, body: bytes, status: int) -> bool:
    """Whether pushes of the body are answered so within two seconds."""
    end = time.monotonic() + 2
    while (await server.push(body)).status != status:
        if time.monotonic() > end:
            return False
        await asyncio.sleep(0.01)
    return True
