"""Printing and parsing of single values."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neocortex.config.kinds import of
from neocortex.config.scalars import go_float


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "-0"),
        (1.0, "1"),
        (25000.0, "25000"),
        (999999.0, "999999"),
        (1e6, "1e+06"),
        (1234567.0, "1.234567e+06"),
        (123456.5, "123456.5"),
        (0.1, "0.1"),
        (0.0001, "0.0001"),
        (-0.00012, "-0.00012"),
        (1.5e-5, "1.5e-05"),
        (1e20, "1e+20"),
        (68719476736.0, "6.8719476736e+10"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
        (math.nan, "NaN"),
    ],
)
def test_floats(value: float, text: str) -> None:
    assert go_float(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_printed_float_reads_back(value: float) -> None:
    assert of("float").parse(go_float(value), 0.0) == value


@pytest.mark.parametrize(
    ("text", "value"), [("0x50", 80), ("0o17", 15), ("017", 15), ("0b11", 3), ("1_000", 1000), ("+5", 5), ("-5", -5)]
)
def test_integers(text: str, value: int) -> None:
    assert of("int").parse(text, 0) == value


@pytest.mark.parametrize("text", ["", "x", "1_", "_1", "0x", "08", "1.0", " 1", "1 "])
def test_integers_refuse(text: str) -> None:
    with pytest.raises(ValueError, match="parse error"):
        of("int").parse(text, 0)


def test_passwords_in_urls_are_masked() -> None:
    url = of("URL")
    assert url.show("http://u:p@h:1/x?y=z#q") == "http://u:%2A%2A%2A%2A%2A%2A%2A%2A@h:1/x?y=z#q"
    assert url.show("http://u@h/") == "http://u@h/"
    assert url.show("http://h/@") == "http://h/@"
