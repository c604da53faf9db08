"""Pushes over keep-alive connections, and what the server used meanwhile."""

from __future__ import annotations

import http.client
import queue
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench.usage import cpu_seconds, thread_cpu_seconds

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.peers import Peer

HEADERS = {
    "Content-Type": "application/x-protobuf",
    "Content-Encoding": "snappy",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}

CONNECTIONS = 5
"""A round of requests must be a multiple of it: then every series stays on one connection, and its samples in order."""

AHEAD = 64
"""Requests that are made before a connection takes them."""


@dataclass
class Load:
    """What a load did: wall and CPU seconds of the server, these also by thread, and the requests' latencies."""

    wall_s: float = 0.0
    cpu_s: float = 0.0
    thread_cpu_s: dict[str, float] = field(default_factory=dict)
    latencies_s: list[float] = field(default_factory=list)

    def percentile(self, p: float) -> float:
        """A latency in seconds."""
        ordered = sorted(self.latencies_s)
        return ordered[min(len(ordered) - 1, int(p * len(ordered)))]


@dataclass(frozen=True, slots=True)
class Post:
    """A request and whose it is."""

    body: bytes
    tenant: str = "bench"


def push_all(peer: Peer, bodies: Iterable[bytes], connections: int = CONNECTIONS) -> Load:
    """Posts every body once, as fast as it goes; see `post_all`."""
    return post_all(peer, (Post(body) for body in bodies), connections)


def post_all(peer: Peer, posts: Iterable[Post], connections: int = CONNECTIONS) -> Load:
    """Sends every request once, as fast as it goes; number i goes over connection i modulo their number, in order.

    Requests are made while others are sent. Raises `RuntimeError` at the first one that is refused.
    """
    load = Load()
    senders = [_Sender(peer, load.latencies_s) for _ in range(connections)]
    before = thread_cpu_seconds(peer.pid)
    cpu, begin = cpu_seconds(peer.pid), time.perf_counter()
    for sender in senders:
        sender.start()
    for i, post in enumerate(posts):
        sender = senders[i % connections]
        if sender.error is not None:
            break
        sender.posts.put(post)
    for sender in senders:
        sender.posts.put(None)
    for sender in senders:
        sender.join()
    load.wall_s = time.perf_counter() - begin
    load.cpu_s = cpu_seconds(peer.pid) - cpu
    load.thread_cpu_s = {name: used - before.get(name, 0.0) for name, used in thread_cpu_seconds(peer.pid).items()}
    for sender in senders:
        if sender.error is not None:
            raise RuntimeError(f"{peer.name}: {sender.error}\n{peer.last_words()}")
    return load


class _Sender(threading.Thread):
    """One connection. After an error it takes what it is given and throws it away."""

    def __init__(self, peer: Peer, latencies_s: list[float]) -> None:
        super().__init__()
        self.posts: queue.Queue[Post | None] = queue.Queue(AHEAD)
        self.error: str | None = None
        self._connection = http.client.HTTPConnection("127.0.0.1", peer.port, timeout=120)
        self._path = peer.push_path
        self._latencies_s = latencies_s

    def run(self) -> None:
        while (post := self.posts.get()) is not None:
            if self.error is None:
                try:
                    self._send(post)
                except OSError as e:
                    self.error = str(e)
        self._connection.close()

    def _send(self, post: Post) -> None:
        begin = time.perf_counter()
        self._connection.request("POST", self._path, post.body, {**HEADERS, "X-Scope-OrgID": post.tenant})
        response = self._connection.getresponse()
        text = response.read()
        self._latencies_s.append(time.perf_counter() - begin)
        if response.status not in (http.client.OK, http.client.NO_CONTENT):
            self.error = f"{response.status} {text.decode(errors='replace')}"
