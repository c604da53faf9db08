"""Tokens of a ring: 32-bit numbers, each owning the stretch up to and including itself."""

import random


def random_tokens(count: int, taken: set[int], rng: random.Random) -> list[int]:
    """`count` new tokens that nobody has, ascending."""
    tokens: set[int] = set()
    while len(tokens) < count:
        token = rng.getrandbits(32)
        if token not in taken:
            tokens.add(token)
    return sorted(tokens)


def ownership(tokens_by_member: dict[str, list[int]]) -> dict[str, float]:
    """The share of the ring that each member's tokens own, 0 to 1."""
    owners = sorted((token, member) for member, tokens in tokens_by_member.items() for token in tokens)
    owned = dict.fromkeys(tokens_by_member, 0)
    for i, (token, member) in enumerate(owners):
        before = owners[i - 1][0] if i else owners[-1][0] - 2**32
        owned[member] += (token - before) if len(owners) > 1 else 2**32
    return {member: count / 2**32 for member, count in owned.items()}
