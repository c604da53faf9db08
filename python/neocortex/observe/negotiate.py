"""`/metrics`: which form a scraper wants, as client_golang with OpenMetrics enabled chooses it."""

from __future__ import annotations

from neocortex.observe.exposition import TEXT, OpenMetricsForm, TextForm


def wanted_form(accept: str) -> TextForm:
    """The form for an `Accept` header."""
    version = _open_metrics_version(accept)
    return TEXT if version is None else OpenMetricsForm(version)


def _open_metrics_version(accept: str) -> str | None:
    """The version of OpenMetrics when it is preferred over plain text, else None."""
    best: tuple[float, int] = (0.0, 0)
    choice: str | None = None
    for position, clause in enumerate(accept.split(",")):
        media, *params = (part.strip() for part in clause.split(";"))
        options = dict(param.partition("=")[::2] for param in params)
        try:
            quality = float(options.get("q", "1"))
        except ValueError:
            continue
        rank = (quality, -position)
        if quality <= 0 or (choice is not None and rank <= best):
            continue
        if media == "application/openmetrics-text" and options.get("version", "0.0.1") in ("", "0.0.1", "1.0.0"):
            choice, best = options.get("version") or "0.0.1", rank
        elif media in ("text/plain", "*/*", "text/*") and options.get("version", "0.0.4") in ("", "0.0.4"):
            choice, best = "", rank
    return choice or None
