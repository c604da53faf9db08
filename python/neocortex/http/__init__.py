"""The HTTP server: what every request passes before and after a room's handler.

Who calls it: `modules.py` builds one `Server`, each room hands it a list of `Route`s from its own `http.py`.
Whom it calls: granian (sockets, HTTP/1, HTTP/2, TLS), the handlers, `observe` for logs and metrics.
What it owns: routing on the undecoded path, the tenant header, body caps and time-outs, the in-flight limit,
Go's forms of errors and redirects, CORS, compression, request logs and request metrics, draining on shutdown.

A room needs only what is exported here; nothing outside this folder imports the web server.
"""

from neocortex.http.errors import HTTPError, http_error, json_response, prometheus_error
from neocortex.http.forms import Form
from neocortex.http.message import Handler, Headers, Request, Response
from neocortex.http.route import Link, Route

__all__ = [
    "Form",
    "HTTPError",
    "Handler",
    "Headers",
    "Link",
    "Request",
    "Response",
    "Route",
    "http_error",
    "json_response",
    "prometheus_error",
]
