"""A small remote-write client on `protobuf`, `python-snappy` and the standard library."""

import http.client
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import snappy

from support import prompb

V1_TYPE = "application/x-protobuf"
V2_TYPE = "application/x-protobuf;proto=io.prometheus.write.v2.Request"


@dataclass
class Answer:
    """Status, headers (lower-case names) and body of an answer."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def text(self) -> str:
        return self.body.decode()


Series = tuple[Mapping[str, str], Iterable[tuple[int, Any]]]
"""Labels, and samples as (timestamp in ms, value), the value a number or a `Histogram` message of the protocol."""


def encode_v1(series: Iterable[Series]) -> bytes:
    """A snappy-compressed remote write 1.0 request."""
    request = prompb.v1.WriteRequest()
    for labels, samples in series:
        entry = request.timeseries.add()
        for name, value in sorted(labels.items()):
            entry.labels.add(name=name, value=value)
        for t, v in samples:
            _add(entry, t, v)
    return compress(request)


def encode_v2(series: Iterable[Series]) -> bytes:
    """A snappy-compressed remote write 2.0 request."""
    request = prompb.v2.Request()
    symbols: dict[str, int] = {"": 0}

    def ref(text: str) -> int:
        return symbols.setdefault(text, len(symbols))

    for labels, samples in series:
        entry = request.timeseries.add()
        for name, value in sorted(labels.items()):
            entry.labels_refs.extend((ref(name), ref(value)))
        for t, v in samples:
            _add(entry, t, v)
    request.symbols.extend(symbols)
    return compress(request)


def _add(entry: Any, t: int, v: Any) -> None:
    if isinstance(v, (float, int)):
        entry.samples.add(timestamp=t, value=v)
    else:
        entry.histograms.add(timestamp=t).MergeFrom(v)


def compress(message: object) -> bytes:
    """Any protobuf message in snappy's block format."""
    body: bytes = snappy.compress(message.SerializeToString())  # type: ignore[attr-defined]
    return body


class Client:
    """One keep-alive connection to a server on loopback."""

    def __init__(self, port: int, tenant: str | None = None, timeout: float = 30) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
        self._tenant = tenant

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Sends one request; connection errors are the caller's to handle, and the next call reconnects."""
        sent = dict(headers or {})
        if self._tenant is not None:
            sent.setdefault("X-Scope-OrgID", self._tenant)
        try:
            self._connection.request(method, path, body=body, headers=sent)
            response = self._connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        except (OSError, http.client.HTTPException):
            self._connection.close()
            raise

    def push(self, series: Iterable[Series], version: int = 1) -> Answer:
        """Pushes samples with remote write 1.0 or 2.0."""
        body = encode_v1(series) if version == 1 else encode_v2(series)
        kind = V1_TYPE if version == 1 else V2_TYPE
        return self.request("POST", "/api/v1/push", body, {"Content-Type": kind, "Content-Encoding": "snappy"})
