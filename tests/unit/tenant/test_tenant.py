"""Rules of tenant ids, and headers that name one or several."""

import pytest

from neocortex.errors import InvalidTenant
from neocortex.tenant.resolve import Resolver, joined
from neocortex.tenant.validate import is_valid, tenant_error


@pytest.mark.parametrize("tenant", ["a", "A-z_0.9!*'()", "...", "x" * 150, "fake", "markers"])
def test_valid(tenant: str) -> None:
    assert tenant_error(tenant) is None
    assert is_valid(tenant)


@pytest.mark.parametrize(
    ("tenant", "text"),
    [
        ("a b", "tenant ID 'a b' contains unsupported character ' '"),
        ("a|b", "tenant ID 'a|b' contains unsupported character '|'"),
        ("a/b", "tenant ID 'a/b' contains unsupported character '/'"),
        ("a\n", "tenant ID 'a\n' contains unsupported character '\n'"),
        ("é", "tenant ID 'é' contains unsupported character 'Ã'"),
        ("é" * 200, f"tenant ID '{'é' * 200}' contains unsupported character 'Ã'"),
        ("x" * 151, "tenant ID is too long: max 150 characters"),
        (".", "tenant ID is '.' or '..'"),
        ("..", "tenant ID is '.' or '..'"),
        ("__markers__", "tenant ID '__markers__' is not allowed"),
        ("user-index.json.gz", "tenant ID 'user-index.json.gz' is not allowed"),
    ],
)
def test_invalid(tenant: str, text: str) -> None:
    assert tenant_error(tenant) == text
    assert not is_valid(tenant)
    with pytest.raises(InvalidTenant) as error:
        Resolver().tenant(tenant)
    assert str(error.value) == text


def test_the_empty_id_names_no_tenant() -> None:
    assert not is_valid("")


def test_federation() -> None:
    resolver = Resolver(federation=True)
    assert resolver.tenants("b|a|b") == ["a", "b"]
    assert resolver.tenant("a|a") == "a"
    assert joined(["a", "b"]) == "a|b"
    with pytest.raises(InvalidTenant, match="multiple org IDs present"):
        resolver.tenant("a|b")
    with pytest.raises(InvalidTenant, match="contains unsupported character '/'"):
        resolver.tenants("a|b/c")
