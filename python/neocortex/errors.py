"""Errors that more than one room raises; `http/errors.py` maps them to statuses and texts.

NeocortexError
├── InvalidTenant      the request's tenant id breaks a rule of `tenant`
└── StartError         a module cannot be built or started: the process ends with exit code 1
"""


class NeocortexError(Exception):
    """Base of every error that Neocortex raises on purpose."""


class InvalidTenant(NeocortexError):
    """The tenant id breaks a rule; the text names the rule as Cortex does (`pkg/util/users/tenant.go`)."""


class StartError(NeocortexError):
    """A module cannot be built or started; the text is what the log line says."""
