"""Logs and metrics of the process.

Who calls it: every room, for its logger and its counters; `http` for `/metrics` and the request log.
Whom it calls: nobody; only the standard library, because it is imported first and on every start, and `turns`.
What it owns: the log format (`ts= caller= level= msg=` or JSON, on stderr), the registry of metrics and its text forms.
Hot counters are kept natively; collectors (`Registry.add_collector`) ask for them on each scrape.
"""

from neocortex.observe.log import Logger, get_logger
from neocortex.observe.metrics import Counter, Gauge, Histogram, Registry

__all__ = ["Counter", "Gauge", "Histogram", "Logger", "Registry", "get_logger"]
