"""The rules for all endpoints, asked of a real server."""

import gzip
import json
import socket
import time

import pytest

from neocortex.http.connections import open_connections
from support.live_http import MIB, Live, parse, read_all, serving

TENANT = "X-Scope-OrgID: t\r\n"
TEXT = "text/plain; charset=utf-8"


def test_unknown_path(live: Live) -> None:
    status, headers, body = live.get("/nothing/here")
    assert (status, body) == (404, b"404 page not found\n")
    assert headers["content-type"] == TEXT
    assert headers["x-content-type-options"] == "nosniff"


def test_a_trailing_slash_is_another_path(live: Live) -> None:
    assert live.get("/show/")[0] == 404


@pytest.mark.parametrize("method", ["PUT", "HEAD", "OPTIONS", "BLAH"])
def test_wrong_method(live: Live, method: str) -> None:
    status, headers, body = live.get("/show", method=method)
    assert (status, body) == (405, b"")
    assert not {"content-type", "allow"} & headers.keys()


@pytest.mark.parametrize("path", ["/ready", "/metrics"])
def test_ready_and_metrics_answer_any_method(live: Live, path: str) -> None:
    for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS", "BLAH", "HEAD"):
        assert live.get(path, method=method)[0] == 200


def test_ready(live: Live) -> None:
    status, headers, body = live.get("/ready")
    assert (status, headers["content-type"], body) == (200, "text/plain", b"ready")


@pytest.mark.parametrize(
    ("target", "location"),
    [
        ("//ready", "/ready"),
        ("/a/../ready", "/ready"),
        ("/a/../ready?x=1%20", "/ready?x=1%20"),
        ("/a%2Fb/../c%2Fd?x=1%20", "/c%252Fd?x=1%20"),
        ("//evil.test/..", "/"),
    ],
)
def test_path_cleaning(live: Live, target: str, location: str) -> None:
    status, headers, body = live.get(target)
    assert (status, headers["location"], body) == (301, location, b"")
    assert "content-type" not in headers


def test_an_encoded_slash_is_data(live: Live) -> None:
    """A namespace `a/b` must never be taken for a group `b` of namespace `a`: one of the two gets deleted."""
    status, _, body = live.get("/rules/a%2Fb", TENANT, method="DELETE")
    assert (status, json.loads(body)["params"]) == (200, {"namespace": "a/b"})
    status, _, body = live.get("/rules/a/b", TENANT, method="DELETE")
    assert (status, json.loads(body)["params"]) == (200, {"namespace": "a", "group": "b"})


def test_encoded_letters_are_not_decoded_for_routing(live: Live) -> None:
    assert live.get("/%72eady")[0] == 404
    assert live.get("/%2e%2e/ready")[0] == 404


def test_a_faulty_escape_in_the_path(live: Live) -> None:
    status, headers, body = live.get("/%zz")
    assert (status, headers["content-type"], body) == (400, TEXT, b"400 Bad Request")


@pytest.mark.parametrize(
    ("head", "status", "body"),
    [
        ("GET /ready HTTP/1.1\r\nHost: a\r\nHost: b\r\n", 400, b"400 Bad Request"),
        ("GET /ready HTTP/1.1\r\nHost: a\r\nExpect: magic\r\n", 417, b""),
        ("OPTIONS * HTTP/1.1\r\nHost: a\r\n", 200, b""),
        ("GET http://h/ready HTTP/1.1\r\nHost: h\r\n", 200, b"ready"),
    ],
)
def test_odd_requests_are_answered_as_go_answers_them(live: Live, head: str, status: int, body: bytes) -> None:
    assert parse(live.ask(f"{head}Connection: close\r\n\r\n".encode()))[::2] == (status, body)


def test_no_tenant(live: Live) -> None:
    for headers in ("", "X-Scope-OrgID: \r\n"):
        status, answer, body = live.get("/tenant", headers)
        assert (status, body, answer["content-type"]) == (401, b"no org id\n", TEXT)


def test_method_before_tenant(live: Live) -> None:
    assert live.get("/tenant", method="POST")[0] == 405


def test_an_invalid_tenant_has_the_routes_status(live: Live) -> None:
    text = b"tenant ID 'a|b' contains unsupported character '|'\n"
    assert live.get("/tenant", "X-Scope-OrgID: a|b\r\n")[::2] == (400, text)
    assert live.post("/push", b"x", "X-Scope-OrgID: a|b\r\n")[::2] == (500, text)


def test_a_tenant_that_is_not_ascii(live: Live) -> None:
    raw = "GET /tenant HTTP/1.1\r\nHost: h\r\nX-Scope-OrgID: é\r\nConnection: close\r\n\r\n".encode()
    status, _, body = parse(live.ask(raw))
    assert (status, body.decode()) == (400, "tenant ID 'é' contains unsupported character 'Ã'\n")


def test_auth_off() -> None:
    with serving(auth_enabled=False) as live:
        for headers in ("", "X-Scope-OrgID: /../\r\n"):
            assert live.get("/tenant", headers)[::2] == (200, b"fake 0 0")


def test_cors(live: Live) -> None:
    path = "/prometheus/api/v1/query"
    _, headers, _ = live.get(path, TENANT + "Origin: http://x.test\r\n")
    assert headers["vary"] == "Origin"
    assert headers["access-control-allow-origin"] == "http://x.test"
    assert headers["access-control-allow-methods"] == "GET, POST, OPTIONS"
    assert headers["access-control-allow-headers"] == "Accept, Authorization, Content-Type, Origin"
    assert headers["access-control-expose-headers"] == "Date"
    _, headers, _ = live.get(path, TENANT)
    assert headers["vary"] == "Origin"
    assert "access-control-allow-origin" not in headers
    assert live.get(path, TENANT + "Origin: http://x.test\r\n", method="OPTIONS")[0] == 405
    assert "vary" not in live.get("/show", "Origin: http://x.test\r\n")[1]


def test_cors_origin_is_anchored() -> None:
    with serving(cors_origin="https?://(a|b)\\.test") as live:
        for origin, allowed in (("http://a.test", True), ("https://b.test", True), ("http://a.test.evil", False)):
            _, headers, _ = live.get("/prometheus/api/v1/query", f"{TENANT}Origin: {origin}\r\n")
            assert ("access-control-allow-origin" in headers) is allowed


def test_compression_is_off_by_default(live: Live) -> None:
    _, headers, body = live.get("/large", "Accept-Encoding: gzip\r\n")
    assert "content-encoding" not in headers
    assert len(body) == MIB


def test_compression() -> None:
    with serving(response_compression=True) as live:
        _, headers, body = live.get("/large", "Accept-Encoding: deflate, gzip\r\n")
        assert (headers["content-encoding"], headers["vary"]) == ("gzip", "Accept-Encoding")
        assert gzip.decompress(body) == b"x" * MIB
        _, headers, body = live.get("/large", "Accept-Encoding: gzip;q=0\r\n")
        assert (headers["vary"], len(body)) == ("Accept-Encoding", MIB)
        assert "content-encoding" not in live.get("/show", "Accept-Encoding: gzip\r\n")[1]


def test_metrics_are_gzipped_for_scrapers(live: Live) -> None:
    _, headers, body = live.get("/metrics", "Accept-Encoding: gzip\r\n")
    assert headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"
    assert b"cortex_inflight_requests" in gzip.decompress(body)


def test_metrics_are_chunked_and_their_head_is_alone(live: Live) -> None:
    _, headers, body = live.get("/metrics")
    assert headers["transfer-encoding"] == "chunked"
    assert "content-length" not in headers
    assert body.startswith(b"# HELP ")
    status, headers, body = live.get("/metrics", method="HEAD")
    assert (status, body) == (200, b"")
    assert headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"


def test_request_metrics(live: Live) -> None:
    live.get("/tenant")
    live.get("/made-up", method="WEIRD")
    lines = live.get("/metrics")[2].decode().splitlines()
    counts = {line.rpartition(" ")[0] for line in lines}
    assert 'cortex_request_duration_seconds_count{method="GET",route="tenant",status_code="401",ws="false"}' in counts
    assert 'cortex_request_duration_seconds_count{method="other",route="other",status_code="404",ws="false"}' in counts
    assert 'cortex_request_message_bytes_count{method="GET",route="tenant"}' in counts
    assert 'cortex_response_message_bytes_count{method="GET",route="tenant"}' in counts
    assert 'cortex_inflight_requests{method="GET",route="metrics"} 1' in lines
    assert "WEIRD" not in "".join(lines)


def test_form_parameters(live: Live) -> None:
    target, body = "/show?a=url&b=1", b"a=body&c=%20"
    form = "Content-Type: application/x-www-form-urlencoded\r\n"
    assert json.loads(live.post(target, body, form)[2])["form"] == {"a": ["body", "url"], "b": ["1"], "c": [" "]}
    assert json.loads(live.post(target, body)[2])["form"] == {"a": ["url"], "b": ["1"]}
    assert json.loads(live.get("/show?a=%zz&b=1")[2])["error"] == 'invalid URL escape "%zz"'


def test_a_handlers_bug_tells_nothing(live: Live) -> None:
    status, _, body = live.get("/fail")
    assert (status, body) == (500, b"internal server error\n")
    assert live.get("/ready")[0] == 200


def test_prefix_routes(live: Live) -> None:
    for path in ("/ui", "/ui/", "/ui/a/b", "/uix"):
        assert live.get(path)[0] == 200


def test_path_prefix() -> None:
    with serving(path_prefix="/cortex/") as live:
        assert live.get("/cortex/ready")[2] == b"ready"
        assert live.get("/ready")[0] == 404


def test_head_has_no_body(live: Live) -> None:
    status, headers, body = live.get("/ready", method="HEAD")
    assert (status, headers["content-length"], body) == (200, "5", b"")


def test_pipelined_requests_are_answered_in_order(live: Live) -> None:
    one = b"GET /show?n=%d HTTP/1.1\r\nHost: h\r\n\r\n"
    last = b"GET /ready HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    answer = live.ask(b"".join(one % n for n in range(20)) + last)
    positions = [answer.index(b'"n":["%d"]' % n) for n in range(20)]
    assert positions == sorted(positions)
    assert answer.endswith(b"ready")


def test_keep_alive(live: Live) -> None:
    with live.connect() as connection:
        for _ in range(3):
            connection.sendall(b"GET /ready HTTP/1.1\r\nHost: h\r\n\r\n")
            answer = b""
            while not answer.endswith(b"ready"):
                answer += connection.recv(4096)
            assert answer.startswith(b"HTTP/1.1 200")


def test_http_1_0(live: Live) -> None:
    status, _, body = parse(live.ask(b"GET /ready HTTP/1.0\r\n\r\n"))
    assert (status, body) == (200, b"ready")


def test_large_headers(live: Live) -> None:
    assert live.get("/show", f"X-Large: {'x' * 200_000}\r\n")[0] == 200


def test_huge_headers_are_refused(live: Live) -> None:
    with live.connect() as connection:
        try:
            connection.sendall(b"GET /show HTTP/1.1\r\nHost: h\r\nX-Huge: " + b"x" * (2 * MIB) + b"\r\n\r\n")
            status, _, _ = parse(read_all(connection))
        except (ConnectionResetError, BrokenPipeError):
            status = 431
    assert status == 431
    assert live.get("/ready")[0] == 200


@pytest.mark.parametrize("raw", [b"\x16\x03\x01\x02\x00\x01", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x00" * 100])
def test_what_is_not_http_is_refused(live: Live, raw: bytes) -> None:
    with live.connect() as connection:
        connection.sendall(raw + b"\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        answer = read_all(connection)
    assert not answer or parse(answer)[0] == 400
    assert live.get("/ready")[0] == 200


def test_many_idle_connections_do_not_stop_others(live: Live) -> None:
    idle = [live.connect() for _ in range(300)]
    try:
        assert live.get("/ready")[0] == 200
    finally:
        for connection in idle:
            connection.close()


def test_too_many_requests_in_flight() -> None:
    with serving(max_inflight_requests=2) as live:
        slow = [live.connect() for _ in range(2)]
        try:
            for connection in slow:
                connection.sendall(b"GET /sleep?s=0.5 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            end = time.monotonic() + 5
            while live.app.inflight < 2 and time.monotonic() < end:
                time.sleep(0.005)
            assert live.get("/ready")[::2] == (503, b"too many requests in flight\n")
            assert [parse(read_all(connection))[0] for connection in slow] == [200, 200]
        finally:
            for connection in slow:
                connection.close()
        assert live.get("/ready")[0] == 200


def test_requests_in_flight_are_answered_on_shutdown() -> None:
    with serving() as live:
        connection = live.connect()
        connection.sendall(b"GET /sleep?s=0.5 HTTP/1.1\r\nHost: h\r\n\r\n")
        end = time.monotonic() + 5
        while live.app.inflight < 1 and time.monotonic() < end:
            time.sleep(0.005)
    with connection:
        assert parse(read_all(connection))[::2] == (200, b"slept")


def test_shutdown_does_not_wait_for_ever() -> None:
    started = time.monotonic()
    with serving(graceful_shutdown_timeout_s=0.3) as live:
        connection = live.connect()
        connection.sendall(b"GET /sleep?s=30 HTTP/1.1\r\nHost: h\r\n\r\n")
        end = time.monotonic() + 5
        while live.app.inflight < 1 and time.monotonic() < end:
            time.sleep(0.005)
    connection.close()
    assert time.monotonic() - started < 10


def test_open_connections_are_counted() -> None:
    with serving() as live:

        def becomes(count: int) -> bool:
            end = time.monotonic() + 5
            while open_connections(live.port) != count and time.monotonic() < end:
                time.sleep(0.01)
            return open_connections(live.port) == count

        assert becomes(0)
        held = [live.connect() for _ in range(3)]
        try:
            assert becomes(3)
        finally:
            for connection in held:
                connection.close()
        assert becomes(0)
