"""Tokens are unique, and a token owns the stretch that ends with it."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neocortex.ring.tokens import ownership, random_tokens

TOKEN = st.integers(0, 2**32 - 1)


def test_tokens_are_new_and_ascending() -> None:
    rng = random.Random(1)
    taken = set(random_tokens(1000, set(), rng))
    tokens = random_tokens(1000, taken, rng)
    assert len(set(tokens)) == 1000
    assert tokens == sorted(tokens)
    assert taken.isdisjoint(tokens)
    assert all(0 <= token < 2**32 for token in tokens)


def test_taken_tokens_are_drawn_again() -> None:
    class Drawn(random.Random):
        def getrandbits(self, k: int, /) -> int:
            assert k == 32
            return values.pop(0)

    values = [7, 7, 3, 5, 9]
    assert random_tokens(2, {3, 5}, Drawn()) == [7, 9]


def test_no_tokens() -> None:
    assert random_tokens(0, set(), random.Random(1)) == []


@pytest.mark.parametrize(
    ("tokens", "owned"),
    [
        ({}, {}),
        ({"a": []}, {"a": 0.0}),
        ({"a": [5]}, {"a": 1.0}),
        ({"a": [5], "b": []}, {"a": 1.0, "b": 0.0}),
        ({"a": [0], "b": [2**31]}, {"a": 0.5, "b": 0.5}),
        ({"a": [0, 2**30, 2**31], "b": [3 * 2**30]}, {"a": 0.75, "b": 0.25}),
        ({"a": [2**30], "b": [2**31]}, {"a": 0.75, "b": 0.25}),
    ],
)
def test_ownership(tokens: dict[str, list[int]], owned: dict[str, float]) -> None:
    assert ownership(tokens) == owned


@given(st.dictionaries(st.text(max_size=3), st.sets(TOKEN, max_size=20), min_size=1, max_size=5))
def test_all_is_owned_once(tokens: dict[str, set[int]]) -> None:
    taken: set[int] = set()
    mine: dict[str, list[int]] = {}
    for member, wanted in tokens.items():
        mine[member] = sorted(wanted - taken)
        taken |= wanted
    total = sum(ownership(mine).values())
    assert total == pytest.approx(1 if taken else 0)
