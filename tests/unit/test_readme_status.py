"""The README's table of endpoints says what is documented and what a process answers."""

import pytest

from neocortex.http.app import Application
from support.needed import need_shared
from support.processes import REPOSITORY
from support.status_table import Endpoint, application_of_target_all, between_markers, endpoints, status, table

REFRESH = "README.md is stale: run PYTHONPATH=python:tests python -m support.status_table README.md"


@pytest.fixture(scope="module")
def app() -> Application:
    return application_of_target_all()


@pytest.fixture(scope="module")
def shown() -> str:
    return between_markers((REPOSITORY / "README.md").read_text())


def test_every_documented_endpoint_is_in_the_table(shown: str) -> None:
    documented = endpoints((need_shared("spec") / "http-api.md").read_text())
    assert len(documented) > 50
    assert endpoints(shown) == documented


def test_the_status_is_what_the_routes_say(shown: str, app: Application) -> None:
    listed = endpoints(shown)
    assert len(listed) > 50
    assert shown.strip().splitlines() == list(table(listed, app)), REFRESH


@pytest.mark.parametrize(
    ("methods", "path", "expected"),
    [
        (("GET",), "/ready", "served"),
        (("POST",), "/api/v1/push", "served"),
        (("GET", "POST"), "<prometheus-http-prefix>/api/v1/query", "served"),
        (("GET",), "<prometheus-http-prefix>/api/v1/label/{name}/values", "served"),
        (("GET", "POST"), "/api/v1/push", "served for POST"),
        (("GET",), "/api/v1/push", "not yet"),
        (("GET",), "/no/such/path", "not yet"),
        (("POST",), "<prometheus-http-prefix>/api/v1/label/{name}/values", "not yet"),
    ],
)
def test_status(app: Application, methods: tuple[str, ...], path: str, expected: str) -> None:
    assert status(app, Endpoint("", "", methods, path)) == expected


def test_rows_are_read_with_and_without_a_status() -> None:
    page = """
| API | Service | Endpoint |
| --- | ------- | -------- |
| [Ruler rules ](#ruler-rule-groups) | _All services_ | `GET,POST /ruler/rule_groups` |
| Ruler rules | Querier, Query-frontend | `GET /x/{name}` | not yet |
| `GET /not/a/row` |
"""
    assert endpoints(page) == [
        Endpoint("Ruler rules", "All services", ("GET", "POST"), "/ruler/rule_groups"),
        Endpoint("Ruler rules", "Querier, Query-frontend", ("GET",), "/x/{name}"),
    ]


@pytest.mark.parametrize(
    "page",
    [
        "",
        "<!-- status:begin -->",
        "<!-- status:end --><!-- status:begin -->",
        "<!-- status:begin --><!-- status:end --><!-- status:end -->",
    ],
)
def test_the_markers_are_there_once(page: str) -> None:
    with pytest.raises(ValueError, match="status:begin"):
        between_markers(page)
