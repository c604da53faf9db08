"""Opening changes nothing, also beside the process that writes."""

import json
from pathlib import Path

import neocortex
from support.in_process import InProcess, running
from support.remote_write import encode_v1

MINUTE_MS = 60_000
START_MS = 1_700_000_000_000


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Everything in a directory: bytes and times of change."""
    files = list(folder.rglob("*"))
    return {
        str(path): (path.read_bytes() if path.is_file() else b"", path.stat().st_mtime_ns) for path in (folder, *files)
    }


async def push(server: InProcess, first: int, last: int) -> None:
    for i in range(first, last):
        body = encode_v1([({"__name__": "ours", "i": str(n)}, [(START_MS + i * MINUTE_MS, i * n)]) for n in range(3)])
        assert (await server.push(body)).status == 200


async def test_a_directory_that_is_being_written_to(tmp_path: Path) -> None:
    """Five hours in the log; nothing becomes a block in the minutes of a test."""
    async with running(tmp_path, "-blocks-storage.tsdb.head-compaction-interval=5m") as server:
        folder = tmp_path / "tsdb" / "t"
        await push(server, 0, 200)
        before = contents(folder)
        assert any("/wal/" in path for path in before)
        with neocortex.open(folder) as first:
            assert contents(folder) == before
            await push(server, 200, 300)
            with neocortex.open(folder) as second:
                for database, samples in ((first, 200), (second, 300)):
                    found = database.select("ours", START_MS / 1000, START_MS / 1000 + 86_400)
                    assert len(found) == 3 * samples
                end_s = (START_MS + 299 * MINUTE_MS) / 1000
                parameters = {"query": "sum by (i) (rate(ours[10m]))", "time": str(end_s)}
                ours = await server.api("query", parameters)
                theirs = second.query(parameters["query"], end_s)
                assert json.loads(theirs.json()) == json.loads(ours.body)
                assert len(theirs) == 3


def test_a_torn_log_is_left_as_it_is(prometheus_dir: Path) -> None:
    segment = prometheus_dir / "wal" / "00000000"
    segment.write_bytes(segment.read_bytes()[:-5])
    (prometheus_dir / "01HM0000000000000000000000.tmp-for-creation").mkdir()
    before = contents(prometheus_dir)
    with neocortex.open(prometheus_dir) as database:
        assert len(database.select("requests_total", 1_700_000_000, 1_700_010_000)) == 4 * 150
    assert contents(prometheus_dir) == before


def test_a_directory_that_must_not_be_written_to(prometheus_dir: Path) -> None:
    folders = [prometheus_dir, prometheus_dir / "wal"]
    for folder in folders:
        folder.chmod(0o555)
    try:
        with neocortex.open(prometheus_dir) as database:
            assert len(database.series()) == 6
    finally:
        for folder in folders:
            folder.chmod(0o755)
