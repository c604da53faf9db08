"""Which PromQL the options switch on."""

import pytest

from neocortex import _native
from neocortex.config import load
from neocortex.errors import StartError
from neocortex.querier.dialect import dialect

ALL = "-querier.promql-features=all"

ENGINE = ("-querier.thanos-engine", "-querier.enable-x-functions")

NEEDS = (
    ("limitk(1, a)", "promql-experimental-functions"),
    ("a[5m + 1m]", "promql-duration-expr"),
    ("rate(a[5m] anchored)", "promql-extended-range-selectors"),
    ("a >/ 3", "prometheus-3.14"),
)


def parses(text: str, *flags: str) -> bool:
    try:
        _native.Query.parse(text, dialect(load(("-target=querier", *flags)).config.querier))
    except _native.ParseError:
        return False
    return True


@pytest.mark.parametrize(("text", "feature"), NEEDS)
def test_a_feature_is_off_until_it_is_named(text: str, feature: str) -> None:
    others = ",".join(name for _, name in NEEDS if name != feature)
    assert not parses(text)
    assert not parses(text, f"-querier.promql-features={others}")
    assert parses(text, f"-querier.promql-features= {feature} , use-start-timestamps")
    assert parses(text, ALL)


def test_fill_modifiers_bring_the_newer_syntax() -> None:
    text, flag = "a + on () fill (0) b", "-querier.promql-features=promql-binop-fill-modifiers"
    assert not parses(text)
    assert not parses(text, "-querier.promql-features=prometheus-3.14")
    assert parses(text, flag)
    assert parses("a >/ 3", flag)


def test_cortex_has_a_switch_for_experimental_functions() -> None:
    assert parses("limitk(1, a)", "-querier.enable-promql-experimental-functions")


@pytest.mark.parametrize("name", ["xrate", "xincrease", "xdelta"])
def test_extended_range_functions_are_those_of_the_other_engine(name: str) -> None:
    assert not parses(f"{name}(a[5m])", ALL)
    assert not parses(f"{name}(a[5m])", ENGINE[0])
    assert not parses(f"{name}(a[5m])", ENGINE[1])
    assert parses(f"{name}(a[5m])", *ENGINE)


def test_holt_winters_is_there_always() -> None:
    assert parses("holt_winters(a[5m], 0.5, 0.5)")
    assert not parses("double_exponential_smoothing(a[5m], 0.5, 0.5)")


def test_an_unknown_feature_ends_the_start() -> None:
    with pytest.raises(StartError, match=r'features: unknown PromQL feature "magic"; known are all, promql-exp'):
        dialect(load(["-querier.promql-features=all,magic"]).config.querier)
