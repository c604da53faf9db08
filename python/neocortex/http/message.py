"""Request and response as handlers see them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from neocortex.errors import InvalidTenant
from neocortex.http._http import is_form_content_type, tenant_error
from neocortex.http.forms import Form

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from neocortex.http.body import Body
    from neocortex.http.route import Route


class Headers:
    """Request headers; names are given in lower case, values are decoded as Latin-1."""

    __slots__ = ("_pairs",)

    def __init__(self, pairs: list[tuple[bytes, bytes]]) -> None:
        self._pairs = pairs

    def get(self, name: str, default: str = "") -> str:
        """The first value of the lower-case `name`."""
        wanted = name.encode("latin-1")
        for key, value in self._pairs:
            if key == wanted:
                return value.decode("latin-1")
        return default

    def get_all(self, name: str) -> list[str]:
        """All values of the lower-case `name`, in the order sent."""
        wanted = name.encode("latin-1")
        return [value.decode("latin-1") for key, value in self._pairs if key == wanted]

    def __contains__(self, name: str) -> bool:
        wanted = name.encode("latin-1")
        return any(key == wanted for key, _ in self._pairs)

    def items(self) -> list[tuple[str, str]]:
        """Names and values in the order sent."""
        return [(key.decode("latin-1"), value.decode("latin-1")) for key, value in self._pairs]


class Request:
    """One request, after routing and the checks of its `Route`."""

    __slots__ = (
        "_body",
        "_form",
        "_query",
        "headers",
        "method",
        "org_id",
        "path",
        "path_params",
        "query_string",
        "remote",
        "route",
    )

    def __init__(
        self,
        method: str,
        path: str,
        query_string: bytes = b"",
        headers: Headers | None = None,
        *,
        body: Body,
        route: Route,
        path_params: dict[str, str] | None = None,
        org_id: str = "",
        remote: tuple[str, int] = ("", 0),
    ) -> None:
        self.method = method
        self.path = path
        """The undecoded path, `-server.path-prefix` included."""
        self.query_string = query_string
        self.headers = headers if headers is not None else Headers([])
        self.route = route
        self.path_params = path_params if path_params is not None else {}
        self.org_id = org_id
        """The tenant header as sent, not validated (`a|b` for federation).

        `fake` with auth off; empty on routes without tenant.
        """
        self.remote = remote
        """Address and port of the peer."""
        self._body = body
        self._query: Form | None = None
        self._form: Form | None = None

    @property
    def tenant(self) -> str:
        """The one valid tenant id of the request; raises `InvalidTenant` with Cortex's text.

        Rooms that take several tenants (federation) resolve `org_id` through `neocortex.tenant`.
        """
        error = tenant_error(self.org_id)
        if error is not None:
            raise InvalidTenant(error)
        return self.org_id

    @property
    def query(self) -> Form:
        """Parameters of the URL alone."""
        if self._query is None:
            self._query = Form.parse(self.query_string)
        return self._query

    async def form(self) -> Form:
        """Body parameters before URL parameters, as Go's `ParseForm` merges them.

        The body counts only on POST, PUT and PATCH with `Content-Type: application/x-www-form-urlencoded`; otherwise
        it is not read. Raises as `body`.
        """
        if self._form is None:
            form = self.query
            if self.method in ("POST", "PUT", "PATCH") and is_form_content_type(self.headers.get("content-type")):
                form = Form.parse(await self.body()).merged_before(form)
            self._form = form
        return self._form

    async def body(self, limit: int | None = None) -> bytes:
        """The whole body; the same object on every call.

        `limit` in bytes lowers the route's cap. Raises `BodyTooLarge` (before reading when the declared length says
        so), `BodyTimeout`, `ClientGone`, or `HTTPError` 503 when all bodies together are too large.
        """
        cap = self.route.max_body_bytes
        return await self._body.read(cap if limit is None else min(limit, cap))

    async def disconnected(self) -> None:
        """Returns when the client has closed the connection. For long work to race with, after the body was read."""
        await self._body.disconnected()

    @property
    def content_length(self) -> int | None:
        """Declared bytes of body; None when chunked."""
        return self._body.declared


class Response:
    """What a handler returns. `content_type=None` sends none, as Cortex does for empty bodies.

    `parts` is a body that is made while it is sent, chunked: for what is too large to be held, and then handed on, at
    once. `body` is empty then, and nothing is made of it for a HEAD.
    """

    __slots__ = ("body", "content_type", "headers", "parts", "status")

    def __init__(
        self,
        status: int = 200,
        content_type: str | None = None,
        body: bytes | str = b"",
        headers: Iterable[tuple[str, str]] = (),
        *,
        parts: AsyncIterator[bytes] | None = None,
    ) -> None:
        self.status = status
        self.parts = parts
        self.content_type = content_type
        self.body = body.encode() if isinstance(body, str) else body
        self.headers = tuple(headers)
        """Further headers, names in lower case."""


Handler = Callable[[Request], Awaitable[Response]]
