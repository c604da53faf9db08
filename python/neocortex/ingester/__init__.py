"""Holds the recent samples of every tenant, each in a database of its own.

Called by the distributor (writes) and the querier (reads); calls the native TSDB, the bucket and the ring's lifecycler.
Owns the folders below `blocks_storage.tsdb.dir`, one a tenant, and the tenants' membership in memory.

* `service`: start (replay of every tenant's log), stop, push, and what is done from time to time.
* `tenants`, `database`: the open databases, and what is known of each besides.
* `upkeep`: when blocks are made, shipped and removed. `map_chunks`: from memory to chunk files. `compact`: from the
  head to blocks. `ship`, `shipped`: into the bucket. `retain`: old local blocks. `idle`: the databases of tenants that
  write no more.
* `limits`: what this instance takes over all tenants.
* `stats`, `statspage`: rates and active series by tenant, and the pages that show them.
* `mode`: read-only mode, renewal of tokens, shutdown.
* `http`: the ingester's own endpoints.
* `metrics`, `tsdbmetrics`, `upkeepmetrics`: the `cortex_ingester_*` families.
"""
