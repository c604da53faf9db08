"""Log lines as go-kit writes them."""

import io
import json
import re
from collections.abc import Iterator

import pytest

from neocortex.http.requestlog import go_duration
from neocortex.observe import get_logger
from neocortex.observe.log import configure


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    configure("info", "logfmt", stream)
    yield stream
    configure()


def test_logfmt(lines: io.StringIO) -> None:
    get_logger(module="ring").info(
        "two words", n=1, yes=True, none=None, quote='a"b', eq="a=b", nl="a\nb", empty="", e="é"
    )
    text = lines.getvalue()
    assert re.fullmatch(
        r"ts=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z caller=test_log\.py:\d+ level=info module=ring "
        r'msg="two words" n=1 yes=true none=null quote="a\\"b" eq="a=b" nl="a\\nb" empty= e=é\n',
        text,
    )


def test_json(lines: io.StringIO) -> None:
    configure("info", "json", lines)
    get_logger().warn("x", n=1, error=ValueError("bad"))
    line = json.loads(lines.getvalue())
    assert (line["level"], line["msg"], line["n"], line["error"]) == ("warn", "x", 1, "bad")


def test_levels(lines: io.StringIO) -> None:
    counted: list[str] = []
    configure("warn", "logfmt", lines, counted.append)
    log = get_logger()
    for write in (log.debug, log.info, log.warn, log.error):
        write("x")
    assert counted == ["warn", "error"]
    assert len(lines.getvalue().splitlines()) == 2
    assert not log.debug_enabled


def test_a_closed_stream_does_not_raise(lines: io.StringIO) -> None:
    lines.close()
    get_logger().error("x")
    configure()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0ns"),
        (7.989e-6, "7.989µs"),
        (0.0015, "1.5ms"),
        (0.003285563, "3.285563ms"),
        (2.25, "2.25s"),
        (90, "1m30s"),
        (3600, "1h0m0s"),
    ],
)
def test_durations_as_go_prints_them(seconds: float, text: str) -> None:
    assert go_duration(seconds) == text
