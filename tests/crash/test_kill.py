"""kill -9 at random moments while deterministic writers push: nothing acknowledged is lost, nothing is invented."""

import os
import random
import time
from pathlib import Path

import pytest

from crash.check import check
from crash.writers import SERIES_A_WRITER, Writers
from support.processes import Neocortex

KILLS = int(os.environ.get("NEOCORTEX_CRASH_KILLS", "30"))
SEED = int(os.environ.get("NEOCORTEX_CRASH_SEED", "0")) or int(time.time())
STEP_MS = 40

pytestmark = [pytest.mark.crash, pytest.mark.timeout(60 + 20 * KILLS)]


def test_no_acknowledged_sample_is_lost_and_none_invented(tmp_path: Path) -> None:
    print(f"seed {SEED}, {KILLS} kills")
    rng = random.Random(SEED)
    restarts: list[float] = []
    with Neocortex(tmp_path) as server:
        first_ms = int(time.time() * 1000) - 3_000_000
        with Writers(server.port, tmp_path, first_ms, STEP_MS) as writers:
            for _ in range(KILLS):
                time.sleep(rng.uniform(0.05, 0.8))
                server.kill()
                begin = time.monotonic()
                server.start()
                restarts.append(time.monotonic() - begin)
            time.sleep(0.3)
        acked = check(server, writers)
        server.stop()
    restarts.sort()
    print(
        f"{KILLS} kills, {acked} acknowledged samples, 0 lost, 0 invented; restart median {restarts[KILLS // 2]:.2f} s"
    )
    assert acked > KILLS * SERIES_A_WRITER
