"""The Cython request path: Go's and Cortex's rules one by one, and a plain twin on arbitrary input."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import plain_http
from neocortex.http import Form, Response, Route, _http
from neocortex.http.message import Headers


@pytest.mark.parametrize(
    ("org_id", "text"),
    [
        ("", "no org id"),
        ("a|b", "tenant ID 'a|b' contains unsupported character '|'"),
        ("a b", "tenant ID 'a b' contains unsupported character ' '"),
        ("é", "tenant ID 'é' contains unsupported character 'Ã'"),
        ("a" * 151, "tenant ID is too long: max 150 characters"),
        ("/" * 151, f"tenant ID '{'/' * 151}' contains unsupported character '/'"),
        (".", "tenant ID is '.' or '..'"),
        ("..", "tenant ID is '.' or '..'"),
        ("__markers__", "tenant ID '__markers__' is not allowed"),
        ("user-index.json.gz", "tenant ID 'user-index.json.gz' is not allowed"),
    ],
)
def test_a_bad_tenant_is_named_in_cortex_words(org_id: str, text: str) -> None:
    assert _http.tenant_error(org_id) == text


@pytest.mark.parametrize("org_id", ["a", "...", "!-_.*'()", "a" * 150, "AZaz09", "__markers", "1"])
def test_good_tenants(org_id: str) -> None:
    assert _http.tenant_error(org_id) is None


@pytest.mark.parametrize(
    ("query", "values", "error"),
    [
        ("", {}, None),
        ("a=1&a=2&b", {"a": ["1", "2"], "b": [""]}, None),
        ("match[]=up&match%5B%5D=x%7Ba%3D%22b%22%7D", {"match[]": ["up", 'x{a="b"}']}, None),
        ("a=b+c%2B", {"a": ["b c+"]}, None),
        ("&&=x&a==", {"": ["x"], "a": ["="]}, None),
        ("a=%zz&b=1", {"b": ["1"]}, 'invalid URL escape "%zz"'),
        ("a=%4", {}, 'invalid URL escape "%4"'),
        ("a=%", {}, 'invalid URL escape "%"'),
        ("a;b=1&c=2", {"c": ["2"]}, "invalid semicolon separator in query"),
        ("%zz=1&a;b", {}, "invalid semicolon separator in query"),
        ("a=%ff", {"a": ["\ufffd"]}, None),
        ("a=%C3%A9&é=1", {"a": ["é"], "é": ["1"]}, None),
    ],
)
def test_forms_as_go_parses_queries(query: str, values: dict[str, list[str]], error: str | None) -> None:
    assert _http.parse_form(query) == (values, error)


def test_the_number_of_parameters_is_limited_as_in_go() -> None:
    assert _http.parse_form("&".join(["a"] * 10_000)) == ({"a": [""] * 10_000}, None)
    assert _http.parse_form("&".join(["a"] * 10_001)) == ({}, "number of URL query parameters exceeded limit")


def test_body_values_come_before_the_query() -> None:
    form = Form.parse("a=body&b=1").merged_before(Form.parse("a=url&c=2"))
    assert form.get_all("a") == ["body", "url"]
    assert (form.get("a"), form.get("b"), form.get("c"), form.get("d")) == ("body", "1", "2", "")
    assert "c" in form
    assert "d" not in form


def test_the_bodys_fault_is_named_before_the_querys() -> None:
    assert Form.parse("a=%zz").merged_before(Form.parse("a;b")).error == 'invalid URL escape "%zz"'


@pytest.mark.parametrize(
    ("path", "clean"),
    [
        ("/", "/"),
        ("//", "/"),
        ("//ready", "/ready"),
        ("/a/../ready", "/ready"),
        ("/../../ready", "/ready"),
        ("/a/./b//c/", "/a/b/c/"),
        ("/a/.", "/a"),
        ("/a/..", "/"),
        ("/..a/.b./...", "/..a/.b./..."),
        ("ready", "/ready"),
        ("", "/"),
        ("/a%2F../b", "/a%2F../b"),
        ("/%2e%2e/ready", "/%2e%2e/ready"),
    ],
)
def test_paths_are_cleaned_as_gorilla_mux_does(path: str, clean: str) -> None:
    assert _http.clean_path(path) == clean


def test_a_clean_path_is_not_copied() -> None:
    path = "/api/v1/push"
    assert _http.clean_path(path) is path


def test_unescape_path() -> None:
    assert _http.unescape_path("a%2Fb+c%C3%A9") == "a/b+cé"
    with pytest.raises(ValueError, match='invalid URL escape "%2"'):
        _http.unescape_path("a%2")


@pytest.mark.parametrize(
    ("value", "is_form"),
    [
        ("application/x-www-form-urlencoded", True),
        ("Application/X-WWW-Form-Urlencoded ; charset=utf-8", True),
        ("application/json", False),
        ("", False),
    ],
)
def test_form_content_type(value: str, is_form: bool) -> None:
    assert _http.is_form_content_type(value) is is_form


def test_content_length() -> None:
    assert [_http.content_length(text) for text in (b"0", b"42", b"", b"-1", b"+1", b"1 ", b"9" * 19)] == [
        0,
        42,
        -1,
        -1,
        -1,
        -1,
        -1,
    ]


def test_headers() -> None:
    pairs = [(b"a", b"1"), (b"b", b"\xe9"), (b"a", b"2")]
    headers = Headers(pairs)
    assert (headers.get("a"), headers.get("b"), headers.get("c", "-")) == ("1", "é", "-")
    assert headers.get_all("a") == ["1", "2"]
    assert "b" in headers
    assert "c" not in headers


async def _unused(_: object) -> Response:
    raise AssertionError("not called")


def _route(methods: tuple[str, ...], pattern: str, *, prefix: bool = False) -> Route:
    return Route(methods, pattern, _unused, prefix=prefix)


ROUTES = [
    _route(("GET",), "/"),
    _route(("GET",), "/api/v1/rules"),
    _route(("GET", "POST"), "/api/v1/rules/{namespace}"),
    _route(("DELETE",), "/api/v1/rules/{namespace}"),
    _route(("GET",), "/api/v1/rules/{namespace}/{group}"),
    _route((), "/ready"),
    _route(("GET",), "/alertmanager/special"),
    _route((), "/alertmanager", prefix=True),
    _route(("POST",), "/api/prom", prefix=True),
]


def _tables() -> tuple[_http.PathTable, plain_http.PathTable]:
    tables = _http.PathTable(), plain_http.PathTable()
    for route in ROUTES:
        for table in tables:
            table.add(route.pattern, route.methods, route.prefix, route)
    return tables


@pytest.mark.parametrize(
    ("method", "path", "pattern", "params"),
    [
        ("GET", "/", "/", None),
        ("HEAD", "/", None, True),
        ("GET", "/ready", "/ready", None),
        ("BLAH", "/ready", "/ready", None),
        ("GET", "/ready/", None, False),
        ("GET", "/api/v1/rules/a%2Fb", "/api/v1/rules/{namespace}", {"namespace": "a%2Fb"}),
        ("DELETE", "/api/v1/rules/a", "/api/v1/rules/{namespace}", {"namespace": "a"}),
        ("PUT", "/api/v1/rules/a", None, True),
        ("GET", "/api/v1/rules/", None, False),
        ("GET", "/api/v1/rules/a/b", "/api/v1/rules/{namespace}/{group}", {"namespace": "a", "group": "b"}),
        ("GET", "/api/v1/rules/a/b/c", None, False),
        ("PUT", "/alertmanager/special", "/alertmanager", None),
        ("GET", "/alertmanager/x/y", "/alertmanager", None),
        ("GET", "/api/prom/x", None, True),
    ],
)
def test_routing(method: str, path: str, pattern: str | None, params: object) -> None:
    for table in _tables():
        route, found = table.match(method, path)
        assert (None if route is None else route.pattern) == pattern
        assert found == params


def test_the_first_of_two_equal_routes_answers() -> None:
    first, second = _route(("GET",), "/x"), _route(("GET",), "/x")
    table = _http.PathTable()
    for route in (first, second):
        table.add(route.pattern, route.methods, route.prefix, route)
    assert table.match("GET", "/x")[0] is first


@pytest.mark.parametrize(
    ("pattern", "name"),
    [("/", "root"), ("/api/v1/push", "api_v1_push"), ("/api/v1/rules/{namespace}", "api_v1_rules_namespace")],
)
def test_route_names_as_in_cortex_metrics(pattern: str, name: str) -> None:
    assert _route(("GET",), pattern).name == name


_LATIN = st.text(st.characters(max_codepoint=255))
_PATHISH = st.text(st.sampled_from("/./.%2Fab{}"))
_FORMISH = st.one_of(st.binary(), st.text(st.sampled_from("ab=&;%+2Fé")).map(str.encode))
_HEADERS = st.lists(
    st.tuples(
        st.sampled_from([b"content-length", b"expect", b"x-scope-orgid", b"origin", b"accept-encoding", b"x"]),
        st.sampled_from([b"", b"7", b"100-Continue", b"gzip", b"-1"]),
    ),
    unique_by=lambda pair: pair[0],
)


@given(st.text())
def test_tenants_like_the_twin(org_id: str) -> None:
    assert _http.tenant_error(org_id) == plain_http.tenant_error(org_id)


@given(_FORMISH)
def test_forms_like_the_twin(encoded: bytes) -> None:
    assert _http.parse_form(encoded) == plain_http.parse_form(encoded)


@given(st.one_of(_LATIN, _PATHISH))
def test_clean_paths_like_the_twin(path: str) -> None:
    clean = _http.clean_path(path)
    assert clean == plain_http.clean_path(path)
    assert _http.clean_path(clean) is clean


@given(_HEADERS, st.booleans())
def test_headers_like_the_twin(pairs: list[tuple[bytes, bytes]], chunked: bool) -> None:
    if chunked:
        pairs = [*pairs, (b"transfer-encoding", b"chunked")]
    assert _http.scan_headers(pairs) == plain_http.scan_headers(pairs)


@given(st.sampled_from(["GET", "POST", "PUT", ""]), st.one_of(_PATHISH, st.sampled_from([r.pattern for r in ROUTES])))
def test_routing_like_the_twin(method: str, path: str) -> None:
    fast, plain = _tables()
    assert fast.match(method, path) == plain.match(method, path)
