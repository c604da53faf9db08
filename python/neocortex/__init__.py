"""Neocortex: a drop-in replacement of Cortex, with a native core.

`neocortex.__main__` is the command; `neocortex.modules` says which rooms run for a target and in which order.
"""

__version__ = "0.1.0"
