"""Object stores as Python sees them: one bucket from the configuration, and views of it.

Called by whoever reads or writes objects; calls the native client, which has the retries. Owns nothing.

* `bucket`: what a bucket can do.
* `config`: from the configuration to a bucket.
* `client`: the native client, counted.
* `prefixed`: the objects below a folder, such as those of a tenant, as a bucket of their own.
"""
