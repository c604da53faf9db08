"""Answers queries: PromQL, series, labels, metadata, exemplars.

Called by clients through `http`; calls the native parser and evaluator, and the ingester's databases. Owns the limits
of a query (samples, time, concurrency) and the parsing of its parameters; answers come as finished JSON from the core.

* `http`: the endpoints under the Prometheus prefix and the legacy prefix.
* `remoteread`: remote read.
* `parameters`: times, durations, limits as Cortex reads them.
* `service`: one query, from its text to the bytes of its answer.
"""
