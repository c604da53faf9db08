"""The queries of a seed."""

from collections.abc import Iterator
from random import Random

from parity.generate import Generator, Query
from parity.newer import NewerGenerator
from parity.vocabulary import Dialect


def queries(seed: int, dialect: Dialect) -> Iterator[Query]:
    """Endless queries."""
    random = Random(seed)
    generator = NewerGenerator if dialect is Dialect.PROMETHEUS_3 else Generator
    while True:
        yield generator(random, dialect).query()
