"""Random PromQL, the same answers from Neocortex and a real Prometheus.

The long mode, against a current Prometheus whose windows are open on the left:
`NEOCORTEX_PARITY_COUNT=20000 NEOCORTEX_PARITY_SEED=7 NEOCORTEX_PARITY_PROMETHEUS=./prometheus pytest tests/parity`
"""

import os
import re
import subprocess
from itertools import islice
from pathlib import Path

import pytest

from parity.compare import Tally, difference, notes_difference, parse_difference
from parity.generate import Query
from parity.known import reason
from parity.queries import queries
from parity.servers import Server, both
from parity.vocabulary import Dialect
from support.needed import need_program

COUNT = int(os.environ.get("NEOCORTEX_PARITY_COUNT", "1200"))
SEED = int(os.environ.get("NEOCORTEX_PARITY_SEED", "1"))

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120 + COUNT // 5)]


def dialect_of(binary: str) -> Dialect:
    """What a Prometheus understands, from its version; one built from source by hand names none."""
    version = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True)
    old = re.search(r"version 2\.", version.stdout + version.stderr)
    return Dialect.PROMETHEUS_2 if old else Dialect.PROMETHEUS_3


def wavering(server: Server, query: Query) -> str | None:
    """Says so when a server does not agree with itself: equal values come to `topk` and to sums in a Go map's order."""
    first = server.ask(query)
    if any(difference(first, server.ask(query), Tally()) for _ in range(10)):
        return "Prometheus gives other answers to the same query"
    return None


def test_random_queries_have_the_same_answers(tmp_path: Path) -> None:
    binary = os.environ.get("NEOCORTEX_PARITY_PROMETHEUS") or need_program("prometheus")
    dialect = dialect_of(binary)
    tally, different, known = Tally(), [], dict[str, int]()
    with both(tmp_path, binary, dialect) as (ours, theirs):
        for query in islice(queries(SEED, dialect), COUNT):
            want, got = theirs.ask(query), ours.ask(query)
            found = difference(want, got, tally)
            if dialect is Dialect.PROMETHEUS_3:  # 2.42 has no notes and no trees, and formats numbers in another way
                found = found or notes_difference(want, got) or parse_difference(theirs.parse(query), ours.parse(query))
            if found is None:
                continue
            why = reason(query, found, dialect) or wavering(theirs, query)
            if why is None:
                different.append(f"{query}\n    {found}")
            else:
                known[why] = known.get(why, 0) + 1
    print(f"seed {SEED}: {tally}")
    for why, count in sorted(known.items()):
        print(f"    {count} known: {why}")
    assert not different, f"seed {SEED}: {len(different)} answers differ:\n" + "\n".join(different[:60])
    assert tally.empty < 0.5 * tally.queries, "most answers say nothing"
    assert sum(known.values()) <= 0.03 * tally.queries, "too many differences are called known"
