"""A file system fills up under the server: pushes fail, reads go on, and with space it recovers by itself."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from crash.check import check, read
from crash.writers import Writers
from support.needed import lack
from support.processes import Neocortex
from support.waiting import wait_for

SIZE_BYTES = 8 << 20
STEP_MS = 1_000

pytestmark = [pytest.mark.crash, pytest.mark.timeout(180)]


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of its own in memory; in CI one must be had."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_BYTES}", "tmpfs", str(folder)]
    done = subprocess.run(mount, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        lack("the right to mount a tmpfs", f"no tmpfs can be mounted: {done.stderr}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """Takes all the space there is but some pages; gives the file to remove for it to be back."""
    ballast = disk / "ballast"
    left = os.statvfs(disk)
    with ballast.open("wb") as out:
        out.write(b"\0" * (left.f_bavail * left.f_bsize - (64 << 10)))
    return ballast


def test_pushes_fail_while_the_disk_is_full_and_nothing_is_lost(tmp_path: Path) -> None:
    first_ms = int(time.time() * 1000) - 100_000 * STEP_MS
    with small_disk(tmp_path / "disk") as disk:
        folder = tmp_path / "server"
        folder.mkdir()
        with (
            Neocortex(folder, extra=[f"-blocks-storage.tsdb.dir={disk}"]) as server,
            Writers(server.port, tmp_path, first_ms, STEP_MS) as writers,
        ):
            wait_for("samples are taken", lambda: writers.acked_until_ms > first_ms + 50 * STEP_MS)
            ballast = fill(disk)
            wait_for("pushes fail", lambda: all(writer.failures for writer in writers.all))
            taken_ms = writers.acked_until_ms
            found = read(server, first_ms, taken_ms)
            assert all(set(range(first_ms, taken_ms + 1, STEP_MS)) <= samples.keys() for samples in found.values())
            assert {failure[0] for writer in writers.all for failure in writer.failures} <= {500, 503}
            assert server.running.poll() is None

            ballast.unlink()
            wait_for("samples are taken again", lambda: writers.acked_until_ms > taken_ms + 50 * STEP_MS)
            writers.pause()
            present = check(server, writers)

            # And once more with a death on the full disk: it starts by itself when there is space.
            writers.resume()
            ballast = fill(disk)
            server.kill()
            ballast.unlink()
            server.start()
            taken_ms = writers.acked_until_ms
            wait_for("samples are taken after a start", lambda: writers.acked_until_ms > taken_ms + 50 * STEP_MS)
            writers.pause()
            assert check(server, writers) > present
            server.stop()
