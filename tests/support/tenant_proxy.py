"""A proxy that adds the tenant header, for clients that cannot send one (Debian's Prometheus and promtool)."""

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class TenantProxy:
    """Forwards everything to a server on loopback with `X-Scope-OrgID` set."""

    def __init__(self, upstream_port: int, tenant: str) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def forward(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection")}
                headers["X-Scope-OrgID"] = tenant
                upstream = http.client.HTTPConnection("127.0.0.1", upstream_port, timeout=30)
                try:
                    upstream.request(self.command, self.path, body=body, headers=headers)
                    response = upstream.getresponse()
                    answer = response.read()
                finally:
                    upstream.close()
                self.send_response(response.status)
                for name, value in response.getheaders():
                    if name.lower() not in ("content-length", "transfer-encoding", "connection", "date", "server"):
                        self.send_header(name, value)
                if response.status != http.client.NO_CONTENT:
                    self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                if response.status != http.client.NO_CONTENT:
                    self.wfile.write(answer)

            do_GET = do_POST = forward

            def log_message(self, format: str, *args: object) -> None:
                """Silent: the test prints what matters."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> "TenantProxy":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
