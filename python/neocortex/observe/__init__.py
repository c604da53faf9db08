"""Logs and metrics of the process.

Who calls it: every room, for its logger and its counters; `http` for `/metrics` and the request log.
Whom it calls: nobody; only the standard library, because it is imported first and on every start.
What it owns: the log format (`ts= caller= level= msg=` or JSON, on stderr), the registry of metrics and its text forms.
Hot counters are kept natively and join `/metrics` as text through `Registry.add_text_source`.
"""

from neocortex.observe.log import Logger, get_logger
from neocortex.observe.metrics import Counter, Gauge, Histogram, Registry

__all__ = ["Counter", "Gauge", "Histogram", "Logger", "Registry", "get_logger"]
