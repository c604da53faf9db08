"""The distributor's endpoints. The order of checks is that of Cortex's `pkg/util/push/push.go`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neocortex import _native
from neocortex.distributor.service import PushError, Written
from neocortex.errors import InvalidTenant
from neocortex.http.errors import BodyTooLarge, http_error
from neocortex.http.message import Response
from neocortex.http.route import Link, Route

if TYPE_CHECKING:
    from neocortex.distributor.service import Distributor
    from neocortex.http.message import Request

V1 = "prometheus.WriteRequest"
V2 = "io.prometheus.write.v2.Request"
PROTOBUF = "application/x-protobuf"


class UnsupportedMediaType(Exception):
    """Content type or encoding that this endpoint does not take; the text is that of the 415."""


def protocol_version(content_type: str, encoding: str, *, v2_enabled: bool, accept_unknown: bool) -> int:
    """1 or 2, from `Content-Type` and `Content-Encoding`; raises `UnsupportedMediaType`.

    A missing type counts as 1.0. `accept_unknown` is `-distributor.accept-unknown-remote-write-content-type`.
    """
    try:
        version = _message_version(content_type.strip() or PROTOBUF)
    except UnsupportedMediaType:
        if not accept_unknown:
            raise
        version = 1
    if encoding not in ("", "snappy"):
        raise UnsupportedMediaType(
            f"{encoding} encoding (compression) is not accepted by this server; only snappy is acceptable"
        )
    if version == 2 and not v2_enabled:
        raise UnsupportedMediaType(f"{V2} protobuf message is not accepted by this server; only accepts {V1}")
    return version


def _message_version(content_type: str) -> int:
    """As client_golang's `ParseProtoMsg` reads the media type, which is stricter and simpler than RFC 9110."""
    media, *parameters = content_type.split(";")
    if media != PROTOBUF:
        raise UnsupportedMediaType(f"expected {PROTOBUF} as the first (media) part, got {content_type} content-type")
    for parameter in parameters:
        pair = parameter.split("=")
        if len(pair) != 2:
            raise UnsupportedMediaType(
                "as per https://www.rfc-editor.org/rfc/rfc9110#parameter expected parameters to be key-values,"
                f" got {parameter} in {content_type} content-type"
            )
        if pair[0] == "proto":
            if pair[1] not in (V1, V2):
                raise UnsupportedMediaType(
                    f"got {content_type} content type; unknown type for remote write protobuf message {pair[1]},"
                    f" supported: {V1}, {V2}"
                )
            return 2 if pair[1] == V2 else 1
    return 1


def written_headers(written: Written) -> tuple[tuple[str, str], ...]:
    """The headers with which remote write 2.0 answers."""
    return (
        ("x-prometheus-remote-write-samples-written", str(written.samples)),
        ("x-prometheus-remote-write-histograms-written", str(written.histograms)),
        ("x-prometheus-remote-write-exemplars-written", str(written.exemplars)),
    )


class PushEndpoint:
    """`POST /api/v1/push` and its legacy path."""

    def __init__(
        self,
        distributor: Distributor,
        pool: _native.Pool,
        *,
        max_recv_msg_size: int,
        v2_enabled: bool,
        accept_unknown: bool,
    ) -> None:
        self._distributor = distributor
        self._pool = pool
        self._max_bytes = max_recv_msg_size
        self._v2_enabled = v2_enabled
        self._accept_unknown = accept_unknown

    async def push(self, request: Request) -> Response:
        """Remote write 1.0: 200. 2.0: 204 and what was written, which errors after decoding carry as well."""
        headers = request.headers
        try:
            version = protocol_version(
                headers.get("content-type"),
                headers.get("content-encoding"),
                v2_enabled=self._v2_enabled,
                accept_unknown=self._accept_unknown,
            )
            write = await _native.WriteRequest.decode(self._pool, await request.body(), version, self._max_bytes)
        except UnsupportedMediaType as e:
            return http_error(415, str(e))
        except BodyTooLarge as e:
            return http_error(400, f"received message larger than max ({e.length or e.limit + 1} vs {e.limit})")
        except _native.DecodeError as e:
            return http_error(400, str(e))
        except _native.OverloadedError as e:
            return http_error(503, str(e))
        try:
            written = await self._distributor.push(request.tenant, write)
        except InvalidTenant as e:
            return http_error(500, str(e), written_headers(Written()) if version == 2 else ())
        except PushError as e:
            return http_error(e.status, e.text, written_headers(e.written) if version == 2 else ())
        except _native.NativeError as e:
            status = 503 if isinstance(e, _native.OverloadedError) else 500
            return http_error(status, str(e), written_headers(Written()) if version == 2 else ())
        return Response() if version == 1 else Response(204, headers=written_headers(written))

    def routes(self, legacy_prefix: str) -> list[Route]:
        """Both paths, with the body capped at the largest message."""
        return [
            Route(("POST",), path, self.push, tenant=True, max_body_bytes=self._max_bytes)
            for path in ("/api/v1/push", f"{legacy_prefix}/push")
        ]


RING_PAGE = """
			<!DOCTYPE html>
			<html>
				<head>
					<meta charset="UTF-8">
					<title>Cortex Distributor Status</title>
				</head>
				<body>
					<h1>Cortex Distributor Status</h1>
					<p>Distributor is not running with global limits enabled</p>
				</body>
			</html>"""


def ring_route() -> Route:
    """`/distributor/ring`: a ring exists only for the global strategy of the rate limit, which is not there yet."""

    async def show(request: Request) -> Response:
        return Response(200, "text/html", RING_PAGE)

    return Route(("GET", "POST"), "/distributor/ring", show, links=(Link("Distributor Ring Status"),))
