"""The registry's text forms, against what client_golang writes."""

import asyncio

import pytest

from neocortex.observe import Registry
from neocortex.observe.exposition import Exposed, OpenMetricsForm, format_value
from neocortex.observe.negotiate import wanted_form
from neocortex.turns import A_TURN
from support.scrape import scrape


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (1.0, "1"),
        (-0.0, "-0"),
        (-17, "-17"),
        (-3.25, "-3.25"),
        (0.005, "0.005"),
        (7.989e-06, "7.989e-06"),
        (0.0001, "0.0001"),
        (999999, "999999"),
        (1e6, "1e+06"),
        (2621440.0, "2.62144e+06"),
        (1.7954684600905168e09, "1.7954684600905168e+09"),
        (12345678901, "1.2345678901e+10"),
        (1e21, "1e+21"),
        (5e-324, "5e-324"),
        (float("inf"), "+Inf"),
        (float("-inf"), "-Inf"),
        (float("nan"), "NaN"),
    ],
)
def test_numbers_as_go_writes_them(value: float, text: str) -> None:
    assert format_value(value) == text


def registry() -> Registry:
    registry = Registry()
    requests = registry.counter_family("requests_total", "Requests\nby \\ method.", ("method", "path"))
    requests.labels("GET", 'a"b\\c\nd').inc()
    requests.labels("GET", "a").inc(2)
    registry.gauge("inflight", "Now.").set(3)
    seconds = registry.histogram("seconds", "How long.", (0.5, 1, 2.5))
    for value in (0.5, 0.7, 3):
        seconds.observe(value)
    registry.observed_gauge("asked", "On scrape.", lambda: 1.5)
    registry.gauge_family("empty", "No children.", ("a",))
    registry.add_collector(collected)
    return registry


async def collected() -> list[Exposed]:
    samples: list[tuple[tuple[str, ...], int]] = [(("b",), 7), (("a",), 2_000_000)]
    return [
        Exposed("counter", "native", 'All "quoted".', label_names=("user",), samples=samples),
        Exposed("gauge", "nothing", "No samples.", label_names=("user",), samples=[]),
    ]


async def test_text_form() -> None:
    assert (await scrape(registry())) == (
        "# HELP asked On scrape.\n# TYPE asked gauge\nasked 1.5\n"
        "# HELP inflight Now.\n# TYPE inflight gauge\ninflight 3\n"
        '# HELP native All "quoted".\n# TYPE native counter\nnative{user="b"} 7\nnative{user="a"} 2e+06\n'
        "# HELP requests_total Requests\\nby \\\\ method.\n# TYPE requests_total counter\n"
        'requests_total{method="GET",path="a"} 2\n'
        'requests_total{method="GET",path="a\\"b\\\\c\\nd"} 1\n'
        "# HELP seconds How long.\n# TYPE seconds histogram\n"
        'seconds_bucket{le="0.5"} 1\nseconds_bucket{le="1"} 2\n'
        'seconds_bucket{le="2.5"} 2\nseconds_bucket{le="+Inf"} 3\n'
        "seconds_sum 4.2\nseconds_count 3\n"
    )


async def test_open_metrics() -> None:
    assert (await scrape(registry(), OpenMetricsForm("1.0.0"))) == (
        "# HELP asked On scrape.\n# TYPE asked gauge\nasked 1.5\n"
        "# HELP inflight Now.\n# TYPE inflight gauge\ninflight 3.0\n"
        '# HELP native All \\"quoted\\".\n# TYPE native counter\n'
        'native_total{user="b"} 7.0\nnative_total{user="a"} 2e+06\n'
        "# HELP requests Requests\\nby \\\\ method.\n# TYPE requests counter\n"
        'requests_total{method="GET",path="a"} 2.0\n'
        'requests_total{method="GET",path="a\\"b\\\\c\\nd"} 1.0\n'
        "# HELP seconds How long.\n# TYPE seconds histogram\n"
        'seconds_bucket{le="0.5"} 1\nseconds_bucket{le="1.0"} 2\n'
        'seconds_bucket{le="2.5"} 2\nseconds_bucket{le="+Inf"} 3\n'
        "seconds_sum 4.2\nseconds_count 3\n"
        "# EOF\n"
    )


async def test_a_long_page_lets_others_have_their_turns() -> None:
    registry = Registry()
    family = registry.gauge_family("a", "A.", ("user",))
    for i in range(10 * A_TURN):
        family.labels(f"{i:05}")
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            # What is removed before its line is written is left out.
            family.remove(f"{10 * A_TURN - turns:05}")
            await asyncio.sleep(0)

    beside = asyncio.create_task(other())
    page = (await scrape(registry)).encode()
    beside.cancel()
    assert turns >= 10
    assert page.count(b"\n") < 2 + 10 * A_TURN


def test_a_name_is_registered_once() -> None:
    registry = Registry()
    registry.counter("a_total", "A.")
    with pytest.raises(ValueError, match="twice"):
        registry.gauge("a_total", "A.")


def test_children_are_kept_and_counted_by_labels() -> None:
    family = Registry().counter_family("a_total", "A.", ("x",))
    assert family.labels("1") is family.labels("1")
    with pytest.raises(ValueError, match="labels"):
        family.labels("1", "2")


TEXT = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"
OPEN = "application/openmetrics-text; version={}; charset=utf-8; escaping=underscores"
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", TEXT),
        ("*/*", TEXT),
        ("text/html", TEXT),
        ("text/plain", TEXT),
        ("application/openmetrics-text", OPEN.format("0.0.1")),
        ("application/openmetrics-text;version=1.0.0", OPEN.format("1.0.0")),
        ("application/openmetrics-text;version=9.9.9", TEXT),
        ("application/openmetrics-text;version=1.0.0;q=0.2,text/plain;q=0.5", TEXT),
        ("application/openmetrics-text;q=0", TEXT),
        ("application/openmetrics-text;q=x", TEXT),
        (PROMETHEUS_3, OPEN.format("1.0.0")),
    ],
)
def test_negotiation(accept: str, content_type: str) -> None:
    assert wanted_form(accept).content_type == content_type
