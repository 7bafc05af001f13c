"""A model hub on loopback: as much HTTP as a download needs, with faults on demand."""

import errno
import hashlib
import os
import re
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from helpers.paths import ROOT

# Bound, but nobody listens: connections are refused at once.
CLOSED = socket.socket()
CLOSED.bind(("127.0.0.1", 0))
CONNECTION_REFUSED = f"127.0.0.1: [Errno {errno.ECONNREFUSED}] {os.strerror(errno.ECONNREFUSED)}"


def with_hub(hub=None, **variables):
    """Variables under which Python finds the shared package, and the model hub is `hub`, or refuses connections."""
    inherited = {name: value for name, value in os.environ.items() if not name.upper().startswith(("HF_", "HTTP"))}
    endpoint = hub.url if hub else "http://{}:{}".format(*CLOSED.getsockname())
    ours = {"HF_ENDPOINT": endpoint, "HF_HOME": "/nonexistent", "PYTHONPATH": str(ROOT / "scripts")}
    return inherited | ours | variables


class Hub(ThreadingHTTPServer):
    """Serves `files`, bytes by name, of one repository and revision until its `with` block ends.

    Attributes
    ----------
    url : value for HF_ENDPOINT
    requests : (method, path, value of the header Range or None) of every request so far
    sent : bytes of files sent so far
    status : HTTP status to answer with, or None; `patience` requests for files are first answered well
    silent : whether requests are accepted and not answered
    cut : bytes of a file after which the connection is closed, once; None for never
    odd : headers of every answer, by name, in the place of the right ones
    stall : bytes of a file after which the hub falls silent for good; None for never
    """

    daemon_threads = True

    def __init__(self, repository, revision, files):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.revision = revision
        self.files = {f"/{repository}/resolve/{revision}/{name}": content for name, content in files.items()}
        self.requests, self.sent = [], 0
        self.status, self.patience, self.silent, self.cut, self.stall = None, 0, False, None, None
        self.odd = {}
        self.closing = threading.Event()

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=[0.02], daemon=True).start()
        return self

    def __exit__(self, *_):
        self.closing.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, *_):
        """Clients are killed here; that is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def send_header(self, keyword, value):
        super().send_header(keyword, self.server.odd.get(keyword, value))

    def do_HEAD(self):
        hub, asked = self.server, self.headers["Range"]
        hub.requests.append((self.command, self.path, asked))
        if hub.silent:
            self.keep_silent()
            return
        content = hub.files.get(self.path)
        if content is not None and hub.status:
            hub.patience -= 1
        if content is None or (hub.status and hub.patience < 0):
            self.send_response(hub.status or 404)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) if asked else 0
        self.send_response(206 if asked else 200)
        self.send_header("ETag", f'"{hashlib.sha1(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", hub.revision)
        for name in {"Location", "X-Linked-Size"} & set(hub.odd):
            self.send_header(name, None)
        self.send_header("X-Xet-Hash", hashlib.sha256(content).hexdigest())  # an offer of another protocol
        self.send_header("X-Xet-Refresh-Route", hub.url)
        self.send_header("Content-Length", str(len(content) - start))
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        if self.command == "GET":
            self.send(content[start:])

    do_GET = do_HEAD

    def send(self, content):
        hub = self.server
        ends = [end for end in (hub.cut, hub.stall) if end is not None and end < len(content)]
        content = content[: min(ends, default=None)]
        self.wfile.write(content)
        hub.sent += len(content)
        if ends and hub.stall is not None:
            hub.silent = True
            self.keep_silent()
        elif ends:
            hub.cut = None
            self.close_connection = True

    def keep_silent(self):
        self.server.closing.wait()
        self.close_connection = True
