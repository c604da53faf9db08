"""Read-only mode, renewal of tokens, and the end of an ingester while the process goes on."""

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.in_process import InProcess, running
from support.remote_write import Answer, encode_v1

SAMPLES_TYPE = {"content-type": "application/x-protobuf", "content-encoding": "snappy"}


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[InProcess]:
    async with running(tmp_path) as process:
        yield process


def sample() -> bytes:
    return encode_v1([({"__name__": "a"}, [(int(time.time() * 1000), 1.0)])])


async def ring(server: InProcess) -> list[dict[str, object]]:
    answer = await server.call("GET", "/ingester/ring", headers={"accept": "application/json"})
    shards: list[dict[str, object]] = json.loads(answer.body)["shards"] or []
    return shards


def seen(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.text


async def test_mode(server: InProcess) -> None:
    assert (await server.push(sample())).status == 200
    for method, path in (("POST", "/ingester/mode?mode=READONLY"), ("GET", "/ingester/mode?mode=readonly")):
        assert seen(await server.call(method, path)) == (200, "Ingester mode READONLY")
    assert [shard["state"] for shard in await ring(server)] == ["READONLY"]
    refused = await server.push(sample())
    assert refused.status == 500
    assert refused.text.startswith("at least 1 live replicas required, could only find 0 - unhealthy instances: ")
    # Straight into the ingester: tenants that are there may still write.
    assert (await server.call("POST", "/ingester/push", sample(), SAMPLES_TYPE)).status == 200
    assert seen(await server.call("POST", "/ingester/push", sample(), SAMPLES_TYPE, "new")) == (
        500,
        "user=new: cannot create a new TSDB while the ingester is not in active state (current state: READONLY)\n",
    )
    assert json.loads((await server.api("query", {"query": "a"})).body)["status"] == "success"
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert seen(await server.call("POST", "/ingester/mode", b"mode=active", form)) == (200, "Ingester mode ACTIVE")
    assert (await server.push(sample())).status == 200


@pytest.mark.parametrize(
    ("query", "shown"), [("", ""), ("?mode=zzz", "ZZZ"), ("?mode=%3Cb%3E%22'%26", "&lt;B&gt;&#34;&#39;&amp;")]
)
async def test_other_modes(server: InProcess, query: str, shown: str) -> None:
    assert seen(await server.call("GET", f"/ingester/mode{query}")) == (400, f"invalid mode input: {shown}")


async def test_a_tenth_of_the_tokens_is_renewed(server: InProcess) -> None:
    def tokens(shard: dict[str, object]) -> set[int]:
        owned = shard["tokens"]
        assert isinstance(owned, list)
        assert owned == sorted(owned)
        return set(owned)

    (before,) = await ring(server)
    assert seen(await server.call("POST", "/ingester/renewTokens")) == (204, "")
    (after,) = await ring(server)
    assert (len(tokens(before)), len(tokens(after)), len(tokens(before) - tokens(after))) == (128, 128, 12)


async def test_shutdown(server: InProcess) -> None:
    assert (await server.push(sample())).status == 200
    assert seen(await server.call("POST", "/ingester/shutdown")) == (204, "")
    assert await ring(server) == []
    assert seen(await server.push(sample())) == (500, "DoBatch: InstancesCount <= 0\n")
    assert seen(await server.call("POST", "/ingester/push", sample(), SAMPLES_TYPE)) == (
        500,
        "rpc error: code = Unavailable desc = Terminated\n",
    )
    assert seen(await server.call("GET", "/ingester/mode?mode=active")) == (
        400,
        "failed to change state: lifecycler not running",
    )
    assert (await server.call("GET", "/ingester/renewTokens")).status == 204
    assert (await server.call("GET", "/shutdown")).status == 204
    ready = await server.call("GET", "/ready")
    assert ready.status == 503
    assert "\nTerminated: 1\n" in ready.text


async def test_a_ring_without_ingesters_is_an_error_of_every_read(server: InProcess) -> None:
    await server.call("POST", "/ingester/shutdown")

    async def error(path: str, **parameters: str) -> tuple[int, str | None, str]:
        answer = await server.api(path, parameters)
        shown = json.loads(answer.body)
        return answer.status, shown.get("errorType"), shown["error"]

    assert await error("query", query="a") == (500, "server_error", "expanding series: empty ring")
    assert await error("query_range", query="a", start="1", end="2", step="1") == (
        500,
        "server_error",
        "expanding series: empty ring",
    )
    assert await error("labels") == (422, "execution", "empty ring")
    assert await error("label/a/values") == (422, "execution", "empty ring")
    assert await error("query_exemplars", query="a", start="1", end="2") == (422, "execution", "empty ring")
    assert await error("series", **{"match[]": "a"}) == (500, "internal", "empty ring")
    assert await error("metadata") == (400, None, "empty ring")
    for path in ("/api/v1/user_stats", "/distributor/all_user_stats"):
        assert seen(await server.call("GET", path)) == (500, "empty ring\n")
    # Nothing is fetched for a query without selectors.
    assert (await server.api("query", {"query": "1"})).status == 200
