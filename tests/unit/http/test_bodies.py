"""Bodies: caps, chunks, slow and vanishing clients, early answers."""

import threading
import time

from neocortex.http import Request, Response, Route
from neocortex.http.errors import BodyTooLarge
from support.live_http import MIB, Live, parse, read_all, serving

TENANT = b"X-Scope-OrgID: t\r\n"
HEAD = b"POST /push HTTP/1.1\r\nHost: h\r\nConnection: close\r\n" + TENANT
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def test_a_body_of_the_largest_size(live: Live) -> None:
    assert live.post("/push", b"\x01" * MIB, TENANT.decode())[::2] == (200, b"t %d %d" % (MIB, MIB))


def test_one_byte_more_is_refused(live: Live) -> None:
    status, headers, body = live.post("/push", b"\x01" * (MIB + 1), TENANT.decode())
    assert (status, body) == (413, b"http: request body too large\n")
    assert headers["content-type"] == "text/plain; charset=utf-8"


def test_a_declared_length_is_believed_before_a_byte_is_read(live: Live) -> None:
    answer = live.ask(HEAD + b"Expect: 100-continue\r\nContent-Length: 99999999999\r\n\r\n")
    assert parse(answer)[0] == 413


def test_chunked_bodies(live: Live) -> None:
    body = b"".join(chunk(bytes([n]) * (n + 1)) for n in range(200)) + b"0\r\n\r\n"
    expected = b"t %d %d" % (sum(n + 1 for n in range(200)), sum(n * (n + 1) for n in range(200)))
    assert parse(live.ask(CHUNKED + body))[::2] == (200, expected)


def test_an_empty_chunked_body(live: Live) -> None:
    assert parse(live.ask(CHUNKED + b"0\r\n\r\n"))[::2] == (200, b"t 0 0")


def test_chunked_bodies_are_counted(live: Live) -> None:
    assert parse(live.ask(CHUNKED + chunk(b"x" * MIB) + chunk(b"x") + b"0\r\n\r\n"))[0] == 413


def test_an_endless_chunked_body_ends(live: Live) -> None:
    """The answer comes while the client still sends; whether all of its bytes were taken is the client's trouble."""
    with live.connect() as connection:
        connection.sendall(CHUNKED)
        connection.setblocking(False)
        sent, answer, data = 0, b"", chunk(b"x" * 65536)
        while sent < 64 * MIB and not answer:
            try:
                sent += connection.send(data[sent % len(data) :])
            except BlockingIOError:
                time.sleep(0.001)
            except (BrokenPipeError, ConnectionResetError):
                break
            try:
                answer = connection.recv(65536)
            except BlockingIOError:
                continue
            except ConnectionResetError:
                break
    assert sent < 64 * MIB
    assert not answer or parse(answer)[0] == 413
    assert live.get("/ready")[0] == 200


def test_bad_chunks(live: Live) -> None:
    answer = live.ask(CHUNKED + b"zz\r\nabc\r\n0\r\n\r\n")
    assert not answer or parse(answer)[0] in (400, 499)
    assert live.get("/ready")[0] == 200


def test_bad_content_lengths(live: Live) -> None:
    for value in (b"-1", b"abc", b"1, 2", b"+5"):
        assert parse(live.ask(HEAD + b"Content-Length: " + value + b"\r\n\r\n"))[0] == 400


def test_length_and_chunks_together_are_not_two_requests(live: Live) -> None:
    """The classic smuggling pair: chunks count, and the connection ends there, so nothing follows them."""
    raw = (
        b"POST /push HTTP/1.1\r\nHost: h\r\n" + TENANT + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
    )
    answer = live.ask(raw, timeout=5)
    assert parse(answer)[0] in (200, 400)
    assert answer.count(b"HTTP/1.1 ") == 1


def test_expect_continue(live: Live) -> None:
    with live.connect() as connection:
        connection.sendall(HEAD + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 100 Continue")
        connection.sendall(b"\x01\x02\x03")
        assert parse(read_all(connection))[::2] == (200, b"t 3 6")


def test_a_client_that_waits_is_not_told_to_send_what_nobody_reads(live: Live) -> None:
    raw = b"POST /refuse HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
    with live.connect() as connection:
        connection.sendall(raw)
        assert connection.recv(65536).startswith(b"HTTP/1.1 415")


def test_early_answers_arrive_whole(live: Live) -> None:
    """Without reading first, closing would reset the connection and the answer could be lost."""
    for size in (1, 100_000, 3 * MIB):
        for _ in range(5):
            assert live.post("/refuse", b"x" * size)[::2] == (415, b"no")
            assert live.post("/nothing", b"x" * size)[0] == 404


def test_a_connection_survives_an_early_answer(live: Live) -> None:
    with live.connect() as connection:
        for _ in range(3):
            connection.sendall(b"POST /refuse HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100_000)
            answer = b""
            while not answer.endswith(b"no"):
                part = connection.recv(65536)
                assert part
                answer += part
            assert answer.startswith(b"HTTP/1.1 415")


def test_slow_bodies_are_cut_off() -> None:
    with serving(read_timeout_s=0.6) as live:
        for head, part in ((HEAD + b"Content-Length: 1000\r\n\r\n", b"x"), (CHUNKED, chunk(b"x"))):
            with live.connect() as connection:
                connection.sendall(head)
                started, answer = time.monotonic(), b""
                connection.settimeout(0.1)
                while not answer and time.monotonic() - started < 8:
                    try:
                        connection.sendall(part)
                        answer = connection.recv(65536)
                    except TimeoutError:
                        continue
            assert parse(answer)[::2] == (408, b"request body read timeout\n")
            assert time.monotonic() - started < 4


def test_slow_headers_are_cut_off() -> None:
    with serving(read_timeout_s=0.1, idle_timeout_s=0.5) as live, live.connect() as connection:
        connection.sendall(b"GET /ready HTTP/1.1\r\nHost: h\r\n")
        started = time.monotonic()
        read_all(connection)
        assert time.monotonic() - started < 5


def test_idle_connections_are_kept_longer_than_slow_bodies() -> None:
    with serving(read_timeout_s=0.1, idle_timeout_s=5) as live, live.connect() as connection:
        for _ in range(2):
            connection.sendall(b"GET /ready HTTP/1.1\r\nHost: h\r\n\r\n")
            assert connection.recv(65536).endswith(b"ready")
            time.sleep(0.4)


def test_a_handler_hears_that_its_client_went_away() -> None:
    heard = threading.Event()

    async def wait(request: Request) -> Response:
        await request.body()
        await request.disconnected()
        heard.set()
        return Response()

    with serving((Route(("POST",), "/wait", wait),)) as live:
        connection = live.connect()
        connection.sendall(b"POST /wait HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx")
        assert not heard.wait(0.2)
        connection.close()
        assert heard.wait(5)


def test_a_client_that_goes_away_leaves_nothing_behind(live: Live) -> None:
    for _ in range(20):
        with live.connect() as connection:
            connection.sendall(HEAD + b"Content-Length: 1000\r\n\r\nabc")
    end = time.monotonic() + 5
    while live.app.inflight and time.monotonic() < end:
        time.sleep(0.01)
    assert live.app.inflight == 0
    assert live.get("/ready")[0] == 200


def test_bodies_together_are_bounded() -> None:
    with serving(max_inflight_body_bytes=MIB) as live:
        with live.connect() as first:
            first.sendall(HEAD + b"Content-Length: %d\r\n\r\nx" % MIB)
            end = time.monotonic() + 5
            while not live.app.inflight and time.monotonic() < end:
                time.sleep(0.005)
            time.sleep(0.05)
            assert live.post("/push", b"xx", TENANT.decode())[::2] == (503, b"too many request bytes in flight\n")
            first.sendall(b"x" * (MIB - 1))
            assert parse(read_all(first))[0] == 200
        assert live.post("/push", b"xx", TENANT.decode())[0] == 200


def test_what_is_left_after_a_broken_read_is_not_taken_for_the_body() -> None:
    async def twice(request: Request) -> Response:
        try:
            return Response(200, "text/plain", await request.body(10))
        except BodyTooLarge:
            return Response(200, "text/plain", await request.body())

    with serving((Route(("POST",), "/twice", twice),)) as live:
        raw = b"POST /twice HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        assert parse(live.ask(raw + chunk(b"x" * 11) + chunk(b"rest") + b"0\r\n\r\n"))[::2] == (499, b"")
