"""The ring page as HTML and JSON, and its button."""

import json
import re
import time
from html import unescape

import pytest

from neocortex.http.app import Application
from neocortex.http.route import Link
from neocortex.http.settings import HTTPSettings
from neocortex.observe import Registry, get_logger
from neocortex.ring.http import ring_routes
from neocortex.ring.instance import Instance, InstanceState
from neocortex.ring.kv import Members
from neocortex.ring.kv.memory import MemoryStore
from neocortex.ring.metrics import register_ring_metrics
from neocortex.ring.view import Ring
from support.in_process import call
from support.scrape import scrape

JSON = {"accept": "text/html;q=0.1, application/json"}
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d*[1-9])?Z")


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
async def app(store: MemoryStore) -> Application:
    now = int(time.time())

    def two(_: Members) -> Members:
        return {
            "b": Instance("b", "10.0.0.2:9095", InstanceState.ACTIVE, "", now, 0, [2**31]),
            "a<i>": Instance(
                "a<i>", "10.0.0.1:9095", InstanceState.LEAVING, "zone-1", now - 1000, 1_700_000_000, [5, 2**31 - 1]
            ),
        }

    await store.update("ring", two)
    app = Application(HTTPSettings(), Registry(), get_logger())
    ring = Ring(store, "ring", heartbeat_timeout_s=60)
    app.add(ring_routes(ring, ("/ingester/ring", "/ring"), Link("Ring status")))
    return app


@pytest.mark.parametrize("path", ["/ingester/ring", "/ring"])
async def test_json(app: Application, path: str) -> None:
    answer = await call(app, "GET", path, headers=JSON)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    page = json.loads(answer.body)
    assert list(page) == ["shards", "now", "storageLastUpdated"]
    assert RFC3339.fullmatch(page["now"])
    first, second = page["shards"]
    assert list(first) == ["id", "state", "address", "timestamp", "registered_timestamp", "zone", "tokens"]
    assert (first["id"], first["state"], first["zone"], first["tokens"]) == (
        "a<i>",
        "Unhealthy",
        "zone-1",
        [5, 2**31 - 1],
    )
    assert first["registered_timestamp"] == "2023-11-14T22:13:20Z"
    assert (second["id"], second["state"], second["address"]) == ("b", "ACTIVE", "10.0.0.2:9095")
    assert second["registered_timestamp"] == "0001-01-01T00:00:00Z"
    assert RFC3339.fullmatch(second["timestamp"])


async def test_an_empty_ring_is_null(app: Application, store: MemoryStore) -> None:
    await store.update("ring", lambda _: {})
    assert json.loads((await call(app, "GET", "/ring", headers=JSON)).body)["shards"] is None
    assert (await call(app, "GET", "/ring")).status == 200


async def test_html(app: Application) -> None:
    answer = await call(app, "GET", "/ingester/ring")
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "<title>Ring Status</title>" in answer.text
    assert "a<i>" not in answer.text, "names are escaped"
    columns = [unescape(cell).strip() for cell in re.findall(r"<th>(.*?)</th>", answer.text, re.DOTALL)]
    assert columns[:10] == [
        "Instance ID",
        "Availability Zone",
        "State",
        "Address",
        "Registered At",
        "Last Heartbeat",
        "Tokens",
        "Ownership",
        "Ownership Diff From Expected",
        "Actions",
    ]
    cells = [unescape(cell).strip() for cell in re.findall(r"<td>(.*?)</td>", answer.text, re.DOTALL)]
    assert cells[:4] == ["a<i>", "zone-1", "Unhealthy", "10.0.0.1:9095"]
    assert "50.00%" in answer.text
    assert '<input type="hidden" name="csrf_token" value="$__CSRF_TOKEN_PLACEHOLDER__">' in answer.text
    assert re.search(r'name="forget"[^>]*value="a&lt;i&gt;"', answer.text)


async def test_tokens_are_shown_when_asked_for(app: Application) -> None:
    assert "Instance: " not in (await call(app, "GET", "/ring")).text
    shown = unescape((await call(app, "GET", "/ring?tokens=true")).text)
    assert "Instance: a<i>" in shown
    assert "Instance: b" in shown
    assert str(2**31 - 1) in shown


@pytest.mark.parametrize(
    ("form", "left"), [(b"forget=b", ["a<i>"]), (b"forget=a%3Ci%3E", ["b"]), (b"forget=x", None), (b"", None)]
)
async def test_forget(app: Application, store: MemoryStore, form: bytes, left: list[str] | None) -> None:
    answer = await call(app, "POST", "/ring", form, {"content-type": "application/x-www-form-urlencoded"})
    assert (answer.status, answer.headers["location"], answer.body) == (302, "#", b"")
    assert sorted(await store.get("ring")) == (["a<i>", "b"] if left is None else left)


async def test_metrics(app: Application, store: MemoryStore) -> None:
    registry = Registry()
    register_ring_metrics(registry, store, "ring", "ingester", 60)
    text = await scrape(registry)
    assert 'cortex_ring_members{name="ingester",state="ACTIVE"} 1' in text
    assert 'cortex_ring_members{name="ingester",state="Unhealthy"} 1' in text
    assert 'cortex_ring_members{name="ingester",state="LEAVING"} 0' in text
    assert 'cortex_ring_tokens_total{name="ingester"} 3' in text
