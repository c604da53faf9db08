"""Writers whose samples can be checked without the victim's help, and the journal of what they sent."""

import http.client
import itertools
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from support.remote_write import Client, Series

SERIES_A_WRITER = 20
TENANT = "crash"

LEAD_STEPS = 4
"""How far one writer may be before the others: less than half a block range, or they would be out of bounds."""

IN_ORDER = (0,)
LATE = (0, 2, 3, 1)
"""Turns of steps: in which order the samples of so many steps are sent, again and again."""


def value_of(writer: int, series: int, t: int) -> float:
    """The one right value of a sample: what is read back can be checked without remembering it."""
    return float((t * 31 + series * 7 + writer * 3) % 1_000_003)


class Journal:
    """Outside the victim: what a writer is about to send, and what was acknowledged, line by line."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("a", buffering=1)

    def intend(self, t: int) -> None:
        self._file.write(f"intent {t}\n")

    def acknowledge(self, t: int) -> None:
        self._file.write(f"ack {t}\n")

    def close(self) -> None:
        self._file.close()

    def times(self, kind: str) -> set[int]:
        """The timestamps of all lines of a kind, `intent` or `ack`."""
        lines = (line.split() for line in self._path.read_text().splitlines())
        return {int(t) for word, t in lines if word == kind}


class Writer(threading.Thread):
    """Pushes one sample of each of its series, again and again until it is acknowledged, and then the next ones."""

    def __init__(
        self, port: int, number: int, first_ms: int, step_ms: int, folder: Path, *, turn: Sequence[int] = IN_ORDER
    ) -> None:
        super().__init__(daemon=True)
        self.port, self.number, self.first_ms, self.step_ms = port, number, first_ms, step_ms
        self.turn = turn
        self.journal = Journal(folder / f"writer-{number}.journal")
        self.acked_until_ms = first_ms - step_ms
        self.peers: Sequence[Writer] = ()
        self.lead_ms = 0
        self.halt = threading.Event()
        self.going = threading.Event()
        self.going.set()
        self.refused: list[str] = []
        self.failures: list[tuple[int, str]] = []

    def batch(self, t: int) -> Iterator[Series]:
        for i in range(SERIES_A_WRITER):
            # A new series now and then, so that records of series are torn too.
            generation = (t - self.first_ms) // (100 * self.step_ms) if i == 0 else 0
            labels = {
                "__name__": "crash_total",
                "writer": str(self.number),
                "series": str(i),
                "generation": str(generation),
            }
            yield labels, [(t, value_of(self.number, i, t))]

    def times(self) -> Iterator[int]:
        """The timestamps in the order in which they are sent."""
        for begin in itertools.count(self.first_ms, len(self.turn) * self.step_ms):
            yield from (begin + step * self.step_ms for step in self.turn)

    def run(self) -> None:
        times = self.times()
        t = next(times)
        with Client(self.port, TENANT, timeout=5) as client:
            while not self.halt.is_set():
                if not self.going.is_set() or self._is_ahead(t):
                    time.sleep(0.002)
                elif self._push(client, t):
                    t = next(times)
                else:
                    time.sleep(0.02)  # the victim is down or starting; the same samples are sent again

    def _is_ahead(self, t: int) -> bool:
        """A writer that lags would be refused as out of bounds."""
        return bool(self.peers) and t - min(peer.acked_until_ms for peer in self.peers) > self.lead_ms

    def _push(self, client: Client, t: int) -> bool:
        self.journal.intend(t)
        try:
            answer = client.push(self.batch(t))
        except (OSError, http.client.HTTPException):
            return False
        if answer.status == 200:
            self.journal.acknowledge(t)
            self.acked_until_ms = max(self.acked_until_ms, t)
            return True
        if answer.status < 500:
            self.refused.append(f"{answer.status} {answer.text}")
        else:
            self.failures.append((answer.status, answer.text))
        return False


class Writers:
    """Some writers that keep step with each other."""

    def __init__(
        self, port: int, folder: Path, first_ms: int, step_ms: int, count: int = 2, *, turn: Sequence[int] = IN_ORDER
    ) -> None:
        self.all = [Writer(port, number, first_ms, step_ms, folder, turn=turn) for number in range(count)]
        self.first_ms, self.step_ms = first_ms, step_ms
        for writer in self.all:
            writer.peers, writer.lead_ms = self.all, LEAD_STEPS * step_ms

    def __enter__(self) -> "Writers":
        for writer in self.all:
            writer.start()
        return self

    def __exit__(self, *_: object) -> None:
        for writer in self.all:
            writer.halt.set()
        for writer in self.all:
            writer.join()
            writer.journal.close()

    @property
    def acked_until_ms(self) -> int:
        """The latest timestamp that all have got to."""
        return min(writer.acked_until_ms for writer in self.all)

    @property
    def refused(self) -> list[str]:
        """Answers that say that the samples themselves are at fault."""
        return [answer for writer in self.all for answer in writer.refused]

    def pause(self) -> None:
        """They finish what they are at and wait."""
        for writer in self.all:
            writer.going.clear()

    def resume(self) -> None:
        """They go on."""
        for writer in self.all:
            writer.going.set()
