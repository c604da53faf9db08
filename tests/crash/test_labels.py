"""The server dies at every labelled place of its own code: nothing acknowledged is lost, nothing is invented.

`NEOCORTEX_DIE_AT` has it abort there (`native/crates/tsdb/src/failpoint.rs`). One data directory lives through all
deaths, with time running fast: a block range is 20 pushes. Every second death is a plain SIGKILL, so that each label is
met in a directory that a start has just brought back. Samples that are no longer on the disk are looked for in the
bucket.
"""

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from crash.check import check
from crash.writers import Writers
from support.processes import Neocortex

ROUNDS = int(os.environ.get("NEOCORTEX_CRASH_ROUNDS", "1"))
"""How often the server dies at each label."""

SEED = int(os.environ.get("NEOCORTEX_CRASH_SEED", "0")) or int(time.time())

AT_START = ["start.replayed"]

LABELS = {
    # A request: before its record, with half of it, with all of it, with the memory changed, before the answer.
    "append.before-log": 40,
    "log.half-written": 40,
    "append.logged": 40,
    "append.applied": 40,
    "push.before-answer": 40,
    "segment.ended": 2,
    "segment.begun": 2,
    "block.chunks-written": 2,
    "block.written": 2,
    "block.named": 2,
    "head.before-truncation": 2,
    "head.truncated": 2,
    "checkpoint.written": 1,
    "checkpoint.named": 1,
    "checkpoint.segment-removed": 2,
    # Shipping: a file of a block is in the bucket, its meta.json is, it is noted that the block is shipped.
    "upload.file": 4,
    "upload.meta": 2,
    "upload.noted": 2,
    # Retention, which removes a block as soon as it is shipped.
    "deletion.before-rename": 2,
    "deletion.renamed": 2,
}
"""Where it dies while it runs, and the greatest number of times that it passes there before."""

STEP_MS = 5_000
RANGE_STEPS = 20
CHECKED_STEPS = 500
"""How far back a check after each death looks; the last one looks at everything."""
OPTIONS = [
    f"-blocks-storage.tsdb.block-ranges-period={RANGE_STEPS * STEP_MS // 1000}s",
    "-blocks-storage.tsdb.head-compaction-interval=200ms",
    "-blocks-storage.tsdb.wal-segment-size-bytes=65536",
    # After a start a head is as old as its newest sample, and these are of days ago.
    "-blocks-storage.tsdb.head-compaction-idle-timeout=0s",
    "-blocks-storage.tsdb.ship-interval=100ms",
    "-blocks-storage.tsdb.retention-period=1s",
]

pytestmark = [pytest.mark.crash, pytest.mark.timeout(120 + ROUNDS * 200)]


def start_to_die(server: Neocortex, writers: Writers, label: str, times: int) -> None:
    """Starts it and returns when it died at a label."""
    environment = {"NEOCORTEX_DIE_AT": f"{label}:{times}"}
    try:
        server.start(environment=environment)
    except RuntimeError as ended:
        # The writers do not wait until it says that it is ready.
        assert f"died at {label}" in str(ended), ended
        return
    try:
        status = server.running.wait(timeout=60)
    except subprocess.TimeoutExpired:
        pytest.fail(f"{label} was not reached; acknowledged until {writers.acked_until_ms}, refused: {writers.refused}")
    assert status == -signal.SIGABRT, f"ended with {status}:\n{server.running.tail()}"
    assert f"died at {label}" in server.running.tail()


def test_dying_at_every_label_loses_and_invents_nothing(tmp_path: Path) -> None:
    print(f"seed {SEED}, {ROUNDS} rounds")
    rng = random.Random(SEED)
    first_ms = int(time.time() * 1000) - 100_000 * STEP_MS
    deaths = checked = 0
    with Neocortex(tmp_path, extra=OPTIONS) as server, Writers(server.port, tmp_path, first_ms, STEP_MS) as writers:
        server.kill()
        for _ in range(ROUNDS):
            for label in rng.sample([*AT_START, *LABELS], k=len(AT_START) + len(LABELS)):
                start_to_die(server, writers, label, rng.randint(1, LABELS.get(label, 1)))
                writers.pause()
                server.start()
                checked += check(server, writers, writers.acked_until_ms - CHECKED_STEPS * STEP_MS)
                server.kill()
                writers.resume()
                deaths += 2
        server.start()
        writers.pause()
        checked += check(server, writers)
    print(f"{deaths} deaths, {checked} acknowledged samples read back, 0 lost, 0 invented")
