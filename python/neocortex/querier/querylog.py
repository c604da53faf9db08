"""The log lines of queries: before and after each with `-frontend.query-stats-enabled`, and those of slow ones.

Names and order of the pairs are those of Cortex's `pkg/frontend/transport/handler.go`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from neocortex.http.requestlog import go_duration
from neocortex.observe import get_logger
from neocortex.observe.exposition import format_value
from neocortex.querier.reject import EXPRESSION_OPS

if TYPE_CHECKING:
    from neocortex.http.message import Response
    from neocortex.querier.call import Call

_COMPONENT = "query-frontend"

log = get_logger()


def log_request(call: Call) -> None:
    """The line before the work."""
    headers = call.request.headers
    pairs: dict[str, object] = {**_where(call), **_dashboard(call)}
    if query := call.form.get("query"):
        pairs["query_length"] = len(query.encode())
    for name, header in (("user_agent", "user-agent"), ("accept_encoding", "accept-encoding")):
        if value := headers.get(header):
            pairs[name] = value
    log.bind(org_id=call.tenant).info("query request", component=_COMPONENT, **pairs, **_parameters(call))


def log_slow(call: Call, seconds: float) -> None:
    """The line of a request that took long."""
    log.bind(org_id=call.tenant).info(
        "slow query detected",
        method=call.request.method,
        host=call.request.headers.get("host"),
        path=call.request.path,
        time_taken=go_duration(seconds),
        **_dashboard(call),
        **_parameters(call),
    )


def log_stats(call: Call, response: Response, seconds: float) -> None:
    """The line after the work, which took so many seconds with the wait for its turn."""
    stats, failed = call.stats, response.status // 100 != 2
    pairs: dict[str, object] = {
        **_where(call),
        "response_time": go_duration(seconds),
        "query_wall_time_seconds": format_value(round(stats.wall_s, 9)),
        "response_series_count": stats.response_series,
        "fetched_series_count": stats.series,
        "fetched_chunks_count": stats.chunks,
        "fetched_samples_count": stats.samples,
        "fetched_chunks_bytes": stats.chunk_bytes,
        "fetched_data_bytes": stats.data_bytes,
        "split_queries": stats.turns,
        "status_code": response.status,
        "response_size": 0 if failed and call.op in EXPRESSION_OPS else len(response.body),
        "samples_scanned": stats.scanned_samples,
        **_dashboard(call),
    }
    if stats.selected_ms is not None:
        first, last = stats.selected_ms
        pairs |= {"data_select_max_time": _seconds(last), "data_select_min_time": _seconds(first)}
    if query := call.form.get("query"):
        pairs["query_length"] = len(query.encode())
    if agent := call.request.headers.get("user-agent"):
        pairs["user_agent"] = agent
    if stats.priority is not None:
        pairs["priority"] = stats.priority
    if stats.storage_s > 0:
        pairs["query_storage_wall_time_seconds"] = format_value(round(stats.storage_s, 9))
    if failed:
        pairs["error"] = response.body.decode("utf-8", "replace")
    bound = log.bind(org_id=call.tenant)
    write = bound.error if failed else bound.info
    write("query stats", component=_COMPONENT, **pairs, **_parameters(call))


def _where(call: Call) -> dict[str, object]:
    return {"method": call.request.method, "path": call.request.path}


def _dashboard(call: Call) -> dict[str, str]:
    headers = call.request.headers
    return {name: value for name in ("X-Dashboard-Uid", "X-Panel-Id") if (value := headers.get(name.lower()))}


def _parameters(call: Call) -> dict[str, str]:
    """All parameters, the query or the selectors last."""
    named = sorted(call.form.items(), key=lambda item: item[0] in ("query", "match[]"))
    return {f"param_{name}": ",".join(values) for name, values in named}


def _seconds(ms: int) -> str:
    return f"{ms / 1000:.3f}".rstrip("0").rstrip(".")
