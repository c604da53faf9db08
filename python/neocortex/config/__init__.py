"""Configuration: one declarative schema of every option, and what is derived from it.

`option` says how the schema is written, `kinds` and `values` what values there are, `sections/` and `schema` are the
schema itself. `load` turns a command line into the configuration in force (defaults, then YAML, then flags), `page`
shows it as YAML, `usage` prints the flags, `reference` writes docs/configuration.md, `status` tells which options the
server acts on. Called by `__main__` and, for typed access to their sections, by every room. Calls none of them; owns
no state.

    loaded = load(sys.argv[1:])
    loaded.config.server.http_listen_port
"""

from neocortex.config.load import Exit, Loaded, load
from neocortex.config.schema import Config
from neocortex.config.sections.limits import Limits

__all__ = ["Config", "Exit", "Limits", "Loaded", "load"]
