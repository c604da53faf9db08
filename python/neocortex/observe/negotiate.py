"""`/metrics`: which form a scraper wants, as client_golang with OpenMetrics enabled chooses it."""

from __future__ import annotations

import re

TEXT_TYPE = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"
_TYPE = re.compile(r"# TYPE (\S+) (\S+)")
_LE = re.compile(r'(?<=[{,]le=")(-?\d+)(?=")')


def exposition(accept: str, text: str) -> tuple[str, str]:
    """Content type and body for an `Accept` header; `text` is the form 0.0.4."""
    version = _open_metrics_version(accept)
    if version is None:
        return TEXT_TYPE, text
    return f"application/openmetrics-text; version={version}; charset=utf-8; escaping=underscores", open_metrics(text)


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


def open_metrics(text: str) -> str:
    """The form 0.0.4 rewritten: counters lose `_total` in their header, numbers are floats, `# EOF` ends it."""
    out: list[str] = []
    help_line = ""
    counter_without_total = ""
    for line in text.splitlines():
        if line.startswith("# HELP "):
            help_line = line
        elif match := _TYPE.match(line):
            name, kind = match.groups()
            counter_without_total = name if kind == "counter" and not name.endswith("_total") else ""
            shown = name.removesuffix("_total") if kind == "counter" else name
            kind = "unknown" if kind == "untyped" else kind
            if help_line.startswith(f"# HELP {name} "):
                # Only text form 0.0.4 leaves quotes in help texts alone.
                out.append(f"# HELP {shown} " + help_line[len(f"# HELP {name} ") :].replace('"', '\\"'))
            out.append(f"# TYPE {shown} {kind}")
            help_line = ""
        elif line:
            out.append(_open_metrics_sample(line, counter_without_total))
    out.append("# EOF\n")
    return "\n".join(out)


def _open_metrics_sample(line: str, counter_without_total: str) -> str:
    series, _, value = line.rpartition(" ")
    if counter_without_total and series.startswith(counter_without_total):
        series = f"{counter_without_total}_total{series[len(counter_without_total) :]}"
    is_count = series.partition("{")[0].endswith(("_bucket", "_count"))
    if not is_count and value.lstrip("-").isdigit():
        value += ".0"
    if 'le="' in series:
        series = _LE.sub(r"\1.0", series)
    return f"{series} {value}"
