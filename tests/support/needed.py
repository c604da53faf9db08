"""What a test needs from outside the repository. In CI a missing thing is a failure, elsewhere a loud skip."""

import os
from pathlib import Path
from typing import NoReturn

import pytest

from support.processes import SHARED, program

missing: list[str] = []
"""What was missing, once for every test that was skipped for want of it; the end of the run shows it."""


def lack(what: str, why: str) -> NoReturn:
    """Ends a test that cannot run without `what`."""
    if os.environ.get("CI"):
        pytest.fail(f"this is CI, and {why}")
    missing.append(what)
    pytest.skip(why)


def need_program(name: str) -> str:
    """The path of a real server that a test starts."""
    path = program(name)
    if path is not None:
        return path
    lack(name, f"{name} is not installed (tests/install-servers, as root)")


def need_shared(name: str) -> Path:
    """A folder of recorded data beside the repository."""
    path = SHARED / name
    if path.is_dir():
        return path
    lack(str(path), f"{path} is missing (set NEOCORTEX_SHARED)")
