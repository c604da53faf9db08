"""Limits of tenants, and the runtime configuration file that overrides them while the process runs.

Called by every room that has limits; calls `config` for the schema and the decoding. Owns the present content of the
runtime file, which it reads again every `runtime_config.period`.

* `limits`: the limits in force for a tenant.
* `document`: the runtime file's content and its decoding.
* `runtime`: the service that reloads the file.
* `page`: the `/runtime_config` page.
"""

from neocortex.overrides.limits import Overrides

__all__ = ["Overrides"]
