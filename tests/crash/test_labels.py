"""The server dies at every labelled place of its own code: nothing acknowledged is lost, nothing is invented.

`NEOCORTEX_DIE_AT` has it abort there (`native/crates/tsdb/src/failpoint.rs`). One data directory lives through all
deaths, with time running fast: a block range is 40 pushes, of which every fourth comes late. Every third death is a
plain SIGKILL, after a look at what is there. A server that is to die while it ends begins with the snapshot of one that
ended. Samples that are no longer on the disk are looked for in the bucket.
"""

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from crash.check import check
from crash.writers import LATE, Writers
from support.processes import Neocortex
from support.waiting import wait_for

ROUNDS = int(os.environ.get("NEOCORTEX_CRASH_ROUNDS", "1"))
"""How often the server dies at each label."""

SEED = int(os.environ.get("NEOCORTEX_CRASH_SEED", "0")) or int(time.time())

AT_START = ["start.replayed"]

AT_END = ["snapshot.begun", "snapshot.written", "snapshot.complete", "snapshot.named", "snapshot.other-renamed"]
"""Where it dies when it is asked to end. The last one it may pass before, in a compaction."""

LABELS = {
    # A request: before its record, with half of it, with all of it, with the memory changed, before the answer.
    "append.before-log": 40,
    "log.half-written": 40,
    "append.logged": 40,
    "append.applied": 40,
    "push.before-answer": 40,
    # The other log has it, that of late samples has not.
    "late.before-log": 10,
    "segment.ended": 2,
    "segment.begun": 2,
    # Full chunks: their file is there without its header, it has half of them, it has them, those of late samples are
    # marked in their log; the file is not written to any more, it is gone.
    "chunk-file.begun": 2,
    "chunk-file.half-written": 4,
    "chunk-file.written": 4,
    "late.chunks-written": 2,
    "late.marked": 2,
    "chunk-file.ended": 2,
    "chunk-file.removed": 2,
    "block.chunks-written": 2,
    "block.written": 2,
    "block.named": 2,
    "head.before-truncation": 2,
    "head.truncated": 2,
    # Blocks of late samples: nobody was shown them, the log still has the samples, a part of it is gone.
    "late.blocks-written": 2,
    "late.before-truncation": 2,
    "late.segment-removed": 2,
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
RANGE_STEPS = 40
UNCHECKED = 2
"""Deaths at labels between two checks."""

CHECKED_STEPS = 200
"""How far back a check looks; the last one looks at everything."""
OPTIONS = [
    f"-blocks-storage.tsdb.block-ranges-period={RANGE_STEPS * STEP_MS // 1000}s",
    "-blocks-storage.tsdb.head-compaction-interval=200ms",
    "-blocks-storage.tsdb.wal-segment-size-bytes=65536",
    # After a start a head is as old as its newest sample, and these are of days ago.
    "-blocks-storage.tsdb.head-compaction-idle-timeout=0s",
    "-blocks-storage.tsdb.ship-interval=100ms",
    "-blocks-storage.tsdb.retention-period=1s",
    "-blocks-storage.tsdb.memory-snapshot-on-shutdown=true",
    "-blocks-storage.tsdb.out-of-order-cap-max=2",
    "-ingester.out-of-order-time-window=1h",
]

pytestmark = [pytest.mark.crash, pytest.mark.timeout(300 + ROUNDS * 200)]


def start_to_die(server: Neocortex, writers: Writers, label: str, times: int) -> None:
    """Starts it and returns when it died at a label."""
    if label in AT_END:
        server.start()
        assert server.stop() == 0, server.running.tail()
    environment = {"NEOCORTEX_DIE_AT": f"{label}:{times}"}
    try:
        server.start(environment=environment)
    except RuntimeError as ended:
        # The writers do not wait until it says that it is ready.
        assert f"died at {label}" in str(ended), ended
        return
    if label in AT_END:
        # Without an append the snapshot that is there would do.
        acked_ms = writers.acked_until_ms
        wait_for("samples are taken after a start", lambda: writers.acked_until_ms > acked_ms)
        server.running.terminate()
    try:
        # A compaction goes on as long as writers give it work.
        status = server.running.wait(timeout=180)
    except subprocess.TimeoutExpired:
        pytest.fail(f"{label} was not reached; acknowledged until {writers.acked_until_ms}, refused: {writers.refused}")
    assert status == -signal.SIGABRT, f"ended with {status}:\n{server.running.tail()}"
    assert f"died at {label}" in server.running.tail()


def test_dying_at_every_label_loses_and_invents_nothing(tmp_path: Path) -> None:
    print(f"seed {SEED}, {ROUNDS} rounds")
    rng = random.Random(SEED)
    first_ms = int(time.time() * 1000) - 100_000 * STEP_MS
    deaths = checked = 0
    with (
        Neocortex(tmp_path, extra=OPTIONS) as server,
        Writers(server.port, tmp_path, first_ms, STEP_MS, turn=LATE) as writers,
    ):
        server.kill()
        for _ in range(ROUNDS):
            labels = [*AT_START, *LABELS, *AT_END]
            rng.shuffle(labels)
            for i in range(0, len(labels), UNCHECKED):
                some = [(label, rng.randint(1, LABELS.get(label, 1))) for label in labels[i : i + UNCHECKED]]
                print(some)
                for label, times in some:
                    start_to_die(server, writers, label, times)
                writers.pause()
                server.start()
                checked += check(server, writers, writers.acked_until_ms - CHECKED_STEPS * STEP_MS)
                server.kill()
                writers.resume()
                deaths += len(some) + 1
        server.start()
        writers.pause()
        checked += check(server, writers)
    print(f"{deaths} deaths, {checked} acknowledged samples read back, 0 lost, 0 invented")
