"""Parsing of lists and mappings."""

import pytest

from neocortex.config.kinds import of


def test_networks() -> None:
    networks = of("CIDRs")
    assert networks.parse("10.1.2.3/8,::1/128", []) == ["10.0.0.0/8", "::1/128"]
    with pytest.raises(ValueError, match=r"cidr: 1\.2\.3\.4: invalid CIDR address: 1\.2\.3\.4"):
        networks.parse("1.2.3.4", [])


def test_rates_of_receivers_are_merged() -> None:
    rates = of("dict[str, float]")
    assert rates.parse('{"email":2}', {"slack": 1.0}) == {"slack": 1.0, "email": 2.0}
    assert rates.text({"slack": 1.0, "email": 2.0}) == '{"email":2.0,"slack":1.0}'
    for text, problem in (
        ('{"email":', "unexpected end of JSON input"),
        ('{"pigeon":1}', "unknown integration name: pigeon"),
        ('{"email":true}', "json: cannot unmarshal bool into Go value of type float64"),
        ("[]", "json: cannot unmarshal array into Go value of type map"),
    ):
        with pytest.raises(ValueError, match=problem):
            rates.parse(text, {})


def test_secrets_between_commas_are_trimmed_and_never_shown() -> None:
    secrets = of("SecretCSV")
    assert secrets.parse(" a , b", []) == ["a", "b"]
    assert secrets.show(["a"]) != "a"
    with pytest.raises(ValueError, match="empty entry"):
        secrets.parse("a,,b", [])
