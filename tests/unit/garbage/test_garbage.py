"""What a long collection has gone over is left out of later ones."""

import gc
from collections.abc import Iterator

import pytest

from neocortex.garbage import LONG_S, OLDEST_GENERATION, ShortPauses


@pytest.fixture
def frozen() -> Iterator[int]:
    """How many objects were left out before."""
    gc.unfreeze()
    yield gc.get_freeze_count()
    gc.unfreeze()


def collected(pauses: ShortPauses, generation: int = OLDEST_GENERATION) -> None:
    for phase in ("start", "stop"):
        pauses(phase, {"generation": generation, "collected": 0, "uncollectable": 0})


@pytest.mark.parametrize(
    ("generation", "seconds", "left_out"),
    [(2, 1.01 * LONG_S, True), (2, 0.99 * LONG_S, False), (1, 1.01 * LONG_S, False), (0, 1.0, False)],
)
def test_only_after_a_long_full_collection(frozen: int, generation: int, seconds: float, left_out: bool) -> None:
    assert frozen == 0
    times = iter((100.0, 100.0 + seconds))
    collected(ShortPauses(lambda: next(times)), generation)
    assert (gc.get_freeze_count() > 0) is left_out


def test_the_collector_calls_it(frozen: int) -> None:
    assert frozen == 0
    times = iter((0.0, 1.0))
    pauses = ShortPauses(lambda: next(times))
    gc.callbacks.append(pauses)
    try:
        gc.collect()
    finally:
        gc.callbacks.remove(pauses)
    assert gc.get_freeze_count() > 0
