"""A hub on this machine: lists one repository, and sends its files whole, in part, or not to the end."""

import contextlib
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

REPOSITORY = "someone/practice-GGUF"


class Hub:
    """What it has, by name; `ends_after` is the byte after which it sends no more, holding the line or not.

    `asked` are the Range headers of the files that were asked for; `stuck` is set while it holds one.
    """

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.sums = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
        self.ends_after: int | None = None
        self.holds = False
        self.asked: list[str] = []
        self.stuck = threading.Event()
        self.released = threading.Event()
        self.url = ""

    def tree(self) -> bytes:
        """The list of files."""
        listed = [
            {
                "type": "file",
                "path": name,
                "size": len(data),
                "oid": "0" * 40,
                "lfs": {"oid": self.sums[name], "size": len(data), "pointerSize": 130},
            }
            for name, data in self.files.items()
        ]
        return json.dumps(listed).encode()


@contextlib.contextmanager
def loopback_hub(files: dict[str, bytes]) -> Iterator[Hub]:
    """A hub with these files while the block runs."""
    hub = Hub(files)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            name = path.removeprefix(f"/{REPOSITORY}/resolve/main/")
            if path == f"/api/models/{REPOSITORY}/tree/main":
                self._answer(200, hub.tree(), {"Content-Type": "application/json"})
            elif name in hub.files:
                self._send_file(hub.files[name])
            else:
                self._answer(404, b"{}", {"X-Error-Code": "RepoNotFound"})

        def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for key, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(body)

        def _send_file(self, data: bytes) -> None:
            asked = self.headers["Range"]
            hub.asked.append(asked)
            begin = int(asked.removeprefix("bytes=").rstrip("-"))
            self.send_response(206)
            self.send_header("Content-Length", str(len(data) - begin))
            self.send_header("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}")
            self.end_headers()
            self.wfile.write(data[begin : hub.ends_after])
            if hub.ends_after is not None:
                self.wfile.flush()
                self.close_connection = True
                hub.stuck.set()
                if hub.holds:
                    hub.released.wait(60)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hub
    finally:
        hub.released.set()
        server.shutdown()
        server.server_close()
