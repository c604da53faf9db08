"""Holds the recent samples of every tenant, each in a database of its own.

Called by the distributor (writes) and the querier (reads); calls the native TSDB and the ring's lifecycler. Owns the
folders below `blocks_storage.tsdb.dir`, one a tenant, and the tenants' membership in memory.

* `service`: start (replay of every tenant's log), stop, push.
* `tenants`: the open databases.
* `http`: the ring page and the ingester's own endpoints.
* `metrics`: the `cortex_ingester_*` families.
"""
