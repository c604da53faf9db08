"""One server for the tests that only ask questions."""

from collections.abc import Iterator

import pytest

from support.live_http import Live, serving


@pytest.fixture(scope="session")
def live() -> Iterator[Live]:
    with serving() as server:
        yield server
