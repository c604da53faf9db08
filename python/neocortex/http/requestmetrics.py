"""Metrics of the HTTP server, named and labelled as Cortex's."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from neocortex.http.route import Route
    from neocortex.observe import Gauge, Histogram, Registry

_MIB = 1 << 20
BODY_BUCKETS_BYTES = (_MIB, 2.5 * _MIB, 5 * _MIB, 10 * _MIB, 25 * _MIB, 50 * _MIB, 100 * _MIB, 250 * _MIB)

_METHODS = frozenset(("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"))


class RequestMetrics:
    """Children are kept by route object and method, so that a request costs a few dictionary look-ups and additions."""

    def __init__(self, registry: Registry) -> None:
        self._durations = registry.histogram_family(
            "cortex_request_duration_seconds",
            "Time (in seconds) spent serving HTTP requests.",
            ("method", "route", "status_code", "ws"),
        )
        self._request_bytes = registry.histogram_family(
            "cortex_request_message_bytes",
            "Size (in bytes) of messages received in the request.",
            ("method", "route"),
            BODY_BUCKETS_BYTES,
        )
        self._response_bytes = registry.histogram_family(
            "cortex_response_message_bytes",
            "Size (in bytes) of messages sent in response.",
            ("method", "route"),
            BODY_BUCKETS_BYTES,
        )
        self._inflight = registry.gauge_family(
            "cortex_inflight_requests", "Current number of inflight requests.", ("method", "route")
        )
        self._gauges: dict[tuple[str, Route | None], Gauge] = {}
        self._children: dict[tuple[str, Route | None, int], tuple[Histogram, Histogram, Histogram]] = {}

    def started(self, method: str, route: Route | None) -> Gauge:
        """Counts a request in; the gauge goes back to `finished`."""
        gauge = self._gauges.get((method, route))
        if gauge is None:
            # A client may invent methods, so only the known ones are kept and named.
            known = method in _METHODS
            gauge = self._inflight.labels(method if known else "other", _name(route))
            if known:
                self._gauges[method, route] = gauge
        gauge.value += 1
        return gauge

    def finished(
        self, gauge: Gauge, method: str, route: Route | None, *, status: int, seconds: float, received: int, sent: int
    ) -> None:
        """Counts it out: `seconds` since it came in, bytes of body received and sent."""
        gauge.value -= 1
        children = self._children.get((method, route, status))
        if children is None:
            children = self._bind(method, route, status)
        duration, request_bytes, response_bytes = children
        duration.observe(seconds)
        request_bytes.observe(received)
        response_bytes.observe(sent)

    def _bind(self, method: str, route: Route | None, status: int) -> tuple[Histogram, Histogram, Histogram]:
        shown = method if method in _METHODS else "other"
        name = _name(route)
        children = (
            self._durations.labels(shown, name, str(status), "false"),
            self._request_bytes.labels(shown, name),
            self._response_bytes.labels(shown, name),
        )
        if shown == method:
            self._children[method, route, status] = children
        return children


def _name(route: Route | None) -> str:
    return "other" if route is None else route.name
