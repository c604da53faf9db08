"""Takes writes: decodes, checks, limits and hands them to the ingesters.

Called by clients (remote write) through `http`; calls the native core for decoding and validation, the overrides for
the tenant's limits, and the ingester of this process. Owns the rate limiters and the counts of what was received and
discarded.

* `http`: the endpoints and their order of checks.
* `service`: one push from the decoded request to the ingesters' answer.
* `rate`: token buckets. `limits`: what this instance takes over all tenants.
* `stats`: the tenants' figures over all ingesters.
* `metrics`: the `cortex_distributor_*` and `cortex_discarded_*` families.
"""
