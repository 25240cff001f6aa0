"""A model hub on this machine, for tests: lists a folder as one repository and serves its files, also in part."""

from __future__ import annotations

import hashlib
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

REVISION = "c0ffee" * 6 + "c0ff"
LARGE = 200  # files of at least so many bytes have a SHA-256, smaller ones Git's hash, as on the real hub


class Hub:
    def __init__(self, folder: Path):
        self.folder = folder
        self.lies: dict[str, bytes] = {}  # path → what is sent instead
        self.asked: list[str] = []  # method, path and range of every request for a file
        self.address = ""

    def rows(self) -> list[dict]:
        paths = [path for path in sorted(self.folder.rglob("*")) if path.is_file()]
        return [self.row(path.relative_to(self.folder).as_posix(), path.read_bytes()) for path in paths]

    def row(self, name: str, content: bytes) -> dict:
        blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        row: dict = {"rfilename": name, "size": len(content), "blobId": blob}
        if len(content) >= LARGE:
            row["lfs"] = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest(), "pointerSize": 134}
        return row


@contextmanager
def serving(folder: Path):
    """A running hub; its address is `hub.address`."""
    hub = Hub(folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Handler,), {"hub": hub}))
    hub.address = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


class Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.answer(body=False)

    def do_GET(self):
        self.answer(body=True)

    def answer(self, body: bool):
        path = unquote(urlsplit(self.path).path)
        if path.startswith("/api/models/"):
            return self.listing()
        name = path.partition(f"/resolve/{REVISION}/")[2]
        if not (self.hub.folder / name).is_file() or not name:
            return self.send(404, b"", {}, body)
        content = (self.hub.folder / name).read_bytes()
        row = self.hub.row(name, content)
        sent = self.hub.lies.get(name, content)
        span = self.headers.get("Range", "")
        self.hub.asked.append(f"{self.command} {name} {span}".strip())
        etag = row["lfs"]["sha256"] if "lfs" in row else row["blobId"]
        facts = {"ETag": f'"{etag}"', "X-Repo-Commit": REVISION, "Accept-Ranges": "bytes"}
        if span:
            start = int(span.removeprefix("bytes=").partition("-")[0])
            facts["Content-Range"] = f"bytes {start}-{len(sent) - 1}/{len(sent)}"
            return self.send(206, sent[start:], facts, body)
        return self.send(200, sent, facts, body)

    def listing(self):
        rows = self.hub.rows()
        text = json.dumps({"id": "test/model", "sha": REVISION, "siblings": rows, "tags": [], "private": False})
        self.send(200, text.encode(), {"Content-Type": "application/json"}, True)

    def send(self, status: int, content: bytes, facts: dict[str, str], body: bool):
        self.send_response(status)
        for name, value in {**facts, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(content)
