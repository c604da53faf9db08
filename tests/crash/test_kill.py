"""kill -9 at random moments while deterministic writers push: nothing acknowledged is lost, nothing is invented."""

import http.client
import json
import os
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.processes import Neocortex
from support.remote_write import Client, Series

KILLS = int(os.environ.get("NEOCORTEX_CRASH_KILLS", "30"))
SEED = int(os.environ.get("NEOCORTEX_CRASH_SEED", "0")) or int(time.time())
WRITERS = 2
SERIES_A_WRITER = 20
STEP_MS = 40
TENANT = "crash"

pytestmark = [pytest.mark.crash, pytest.mark.timeout(60 + 20 * KILLS)]


def value_of(writer: int, series: int, t: int) -> float:
    """The one right value of a sample: what is read back can be checked without remembering it."""
    return float((t * 31 + series * 7 + writer * 3) % 1_000_003)


class Writer(threading.Thread):
    """Pushes one sample of each of its series after another; what was sent and what was acknowledged is kept here."""

    def __init__(self, port: int, number: int, first_ms: int) -> None:
        super().__init__(daemon=True)
        self.port, self.number = port, number
        self.first_ms = first_ms
        self.sent_until_ms = first_ms - STEP_MS
        self.acked_until_ms = first_ms - STEP_MS
        self.halt = threading.Event()
        self.refused: list[str] = []

    def batch(self, t: int) -> Iterator[Series]:
        for i in range(SERIES_A_WRITER):
            # A new series every few seconds of sample time, so that series records are torn too.
            generation = (t - self.first_ms) // 4000 if i == 0 else 0
            labels = {
                "__name__": "crash_total",
                "writer": str(self.number),
                "series": str(i),
                "generation": str(generation),
            }
            yield labels, [(t, value_of(self.number, i, t))]

    def run(self) -> None:
        with Client(self.port, TENANT, timeout=5) as client:
            self.push_until_halted(client)

    def push_until_halted(self, client: Client) -> None:
        t = self.first_ms
        while not self.halt.is_set():
            self.sent_until_ms = t
            try:
                answer = client.push(self.batch(t))
            except (OSError, http.client.HTTPException):
                time.sleep(0.02)  # the victim is down; the same samples are sent again
                continue
            if answer.status >= 500:
                time.sleep(0.02)  # it listens already, but has not replayed its log yet
                continue
            if answer.status != 200:
                self.refused.append(f"{answer.status} {answer.text}")
                time.sleep(0.02)
                continue
            self.acked_until_ms = t
            t += STEP_MS


def read_all(server: Neocortex, first_ms: int, last_ms: int) -> dict[tuple[int, int], dict[int, float]]:
    """All samples as (writer, series) -> {timestamp: value}, read as raw samples of a range selector."""
    seconds = (last_ms - first_ms) // 1000 + 60
    path = f"/prometheus/api/v1/query?query=crash_total[{seconds}s]&time={last_ms / 1000 + 1:.3f}"
    with Client(server.port, TENANT, timeout=60) as client:
        answer = client.request("GET", path)
    assert answer.status == 200, answer.text
    found: dict[tuple[int, int], dict[int, float]] = {}
    for row in json.loads(answer.body)["data"]["result"]:
        key = (int(row["metric"]["writer"]), int(row["metric"]["series"]))
        samples = found.setdefault(key, {})
        for t, v in row["values"]:
            samples[round(t * 1000)] = float(v)
    return found


def test_no_acknowledged_sample_is_lost_and_none_invented(tmp_path: Path) -> None:
    print(f"seed {SEED}, {KILLS} kills")
    rng = random.Random(SEED)
    server = Neocortex(tmp_path).start()
    first_ms = int(time.time() * 1000) - 3_000_000
    writers = [Writer(server.port, n, first_ms) for n in range(WRITERS)]
    for writer in writers:
        writer.start()
    restarts: list[float] = []
    try:
        for _ in range(KILLS):
            time.sleep(rng.uniform(0.05, 0.8))
            server.kill()
            begin = time.monotonic()
            server.start()
            restarts.append(time.monotonic() - begin)
        time.sleep(0.3)
    finally:
        for writer in writers:
            writer.halt.set()
        for writer in writers:
            writer.join()
    found = read_all(server, first_ms, max(w.sent_until_ms for w in writers))
    server.stop()
    acked = 0
    for writer in writers:
        assert writer.refused == [], writer.refused[:3]
        for i in range(SERIES_A_WRITER):
            samples = found.get((writer.number, i), {})
            wanted = range(first_ms, writer.acked_until_ms + 1, STEP_MS)
            lost = [t for t in wanted if t not in samples]
            assert not lost, (
                f"writer {writer.number} series {i}: {len(lost)} acknowledged samples lost, first at {lost[0]}"
            )
            acked += len(wanted)
            for t, v in samples.items():
                assert first_ms <= t <= writer.sent_until_ms and (t - first_ms) % STEP_MS == 0, (
                    f"invented sample at {t}"
                )
                assert v == value_of(writer.number, i, t), f"wrong value at {t}"
    restarts.sort()
    print(
        f"{KILLS} kills, {acked} acknowledged samples, 0 lost, 0 invented; restart median {restarts[KILLS // 2]:.2f} s"
    )
    assert acked > KILLS * SERIES_A_WRITER
