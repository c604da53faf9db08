"""The log of active queries."""

import asyncio
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from neocortex.errors import StartError
from neocortex.observe import log
from neocortex.querier.active import ENTRY_BYTES, ActiveQueries


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What is logged."""
    written = io.StringIO()
    log.configure(stream=written)
    yield written
    log.configure()


def opened(folder: Path, max_concurrent: int) -> ActiveQueries:
    active = ActiveQueries(folder, max_concurrent)
    active.open()
    return active


def entry(folder: Path, number: int) -> bytes:
    content = (folder / "queries.active").read_bytes()
    return content[1 + number * ENTRY_BYTES : 1 + (number + 1) * ENTRY_BYTES]


async def test_a_query_is_in_the_file_while_it_runs(tmp_path: Path) -> None:
    active = opened(tmp_path / "new" / "folder", 2)
    path = tmp_path / "new" / "folder" / "queries.active"
    assert path.read_bytes() == b"[" + bytes(2 * ENTRY_BYTES)
    async with active.entered('up{a="<b>&é"}'):
        (written,) = [part for number in range(2) if any(part := entry(path.parent, number))]
        assert written.endswith(b"\0,")
        text = written[:-1].rstrip(b"\0").decode()
        assert text.startswith('{"query":"up{a=\\"\\u003cb\\u003e\\u0026é\\"}","timestamp_sec":')
        assert json.loads(text)["query"] == 'up{a="<b>&é"}'
    assert path.read_bytes() == b"[" + bytes(2 * ENTRY_BYTES)


@pytest.mark.parametrize("query", ["x" * 5000, "é" * 5000, "<" * 5000, '"\n' * 900, "\u2028" * 400])
async def test_a_long_query_keeps_to_its_entry(tmp_path: Path, query: str) -> None:
    active = opened(tmp_path, 1)
    async with active.entered(query):
        written = entry(tmp_path, 0)
        assert written[-1:] == b","
        kept = json.loads(written[:-1].rstrip(b"\0"))["query"]
        assert query.startswith(kept)
        assert len(written[:-1].rstrip(b"\0")) > ENTRY_BYTES - 20


async def test_no_more_run_than_there_are_entries(tmp_path: Path) -> None:
    active = opened(tmp_path, 2)
    began: list[int] = []
    leave = asyncio.Event()

    async def run(number: int) -> None:
        async with active.entered(str(number)):
            began.append(number)
            await leave.wait()

    tasks = [asyncio.create_task(run(number)) for number in range(4)]
    await asyncio.sleep(0)
    assert began == [0, 1]
    tasks[2].cancel()
    leave.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert began == [0, 1, 3]
    assert not any(entry(tmp_path, 0) + entry(tmp_path, 1))


def test_nothing_is_logged_of_a_clean_end(tmp_path: Path, lines: io.StringIO) -> None:
    opened(tmp_path, 1)
    opened(tmp_path, 1)
    assert lines.getvalue() == ""


async def test_a_prometheus_file_is_read(tmp_path: Path, lines: io.StringIO) -> None:
    one, two = b'{"query":"a","timestamp_sec":1}', b'{"query":"b","timestamp_sec":2}'
    content = b"[" + b"".join(each.ljust(ENTRY_BYTES - 1, b"\0") + b"," for each in (one, two)) + bytes(ENTRY_BYTES)
    (tmp_path / "queries.active").write_bytes(content)
    opened(tmp_path, 3)
    message = r"""msg="These queries didn't finish in prometheus' last run:" queries="[{\"query\":\"a\""""
    assert "level=info" in lines.getvalue()
    assert message in lines.getvalue()
    assert r'{\"query\":\"b\",\"timestamp_sec\":2}]"' in lines.getvalue()
    assert (tmp_path / "queries.active").read_bytes() == b"[" + bytes(3 * ENTRY_BYTES)


def test_a_kill_leaves_the_query_in_the_file(tmp_path: Path, lines: io.StringIO) -> None:
    program = f"""
import asyncio, os, signal, pathlib
from neocortex.querier.active import ActiveQueries
async def main():
    active = ActiveQueries(pathlib.Path({str(tmp_path)!r}), 4)
    active.open()
    async with active.entered("sum(suspect)"):
        os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""
    ended = subprocess.run([sys.executable, "-c", program], env=os.environ, check=False, timeout=60)
    assert ended.returncode == -signal.SIGKILL
    opened(tmp_path, 4)
    assert r'queries="[{\"query\":\"sum(suspect)\",\"timestamp_sec\":' in lines.getvalue()


def test_a_folder_that_cannot_be_made_ends_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StartError, match="unable to create the log of active queries"):
        opened(tmp_path / "file" / "folder", 1)
