"""Importing the package costs the server nothing, and the library needs no data frames."""

import subprocess
import sys

import pytest

import neocortex

PROGRAM = """
import sys, neocortex
assert not any(name.startswith("neocortex.") for name in sys.modules), "loaded before it is needed"
neocortex.open
loaded = {name.partition(".")[0] for name in sys.modules}
assert not loaded & {"pyarrow", "pandas", "polars", "numpy", "granian", "uvloop", "jinja2", "yaml"}, loaded
assert sorted(neocortex.__all__) == sorted(name for name in neocortex.__all__ if hasattr(neocortex, name))
"""


def test_the_library_is_loaded_when_it_is_used() -> None:
    subprocess.run([sys.executable, "-c", PROGRAM], check=True, timeout=60)


def test_other_names_are_unknown() -> None:
    with pytest.raises(AttributeError, match="module 'neocortex' has no attribute 'close'"):
        _ = neocortex.close  # type: ignore[attr-defined]
