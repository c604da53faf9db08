"""Answers queries: PromQL, series, labels, metadata, exemplars.

Called by clients through `http`; calls the native parser and evaluator, and the ingester's databases. Owns the limits
of a query (samples, time, concurrency, what it may fetch) and the parsing of its parameters; answers come as finished
JSON from the core. It is Cortex's query-frontend and querier in one.

* `http`: the endpoints under the Prometheus prefix and the legacy prefix; `remoteread`: remote read.
* `call`: a request from its form to its answer: errors, figures, log lines (`querylog`, `metrics`, `stats`).
* `parameters`: times, durations, limits as Cortex reads them.
* `front`: what an operator forbids or prefers (`reject`); `reach`: how far queries see.
* `queue`: who waits for whom; `active`: what runs, in a file that outlives a crash.
* `service`: one query, from its text to the bytes of its answer.
"""
