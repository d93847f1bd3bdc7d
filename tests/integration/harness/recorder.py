"""A proxy between a program and its S3 server: it notes every request, and on demand misbehaves as networks do.

It runs on a thread of its own. Signatures stay valid because the Host header passes through unchanged."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from harness.s3 import S3Account, signed_anew

MODES = ("pass", "hang", "refuse", "unavailable", "lose_answers", "cut", "shuffle", "damage")
CUT_BYTES = 500_000


@dataclass(frozen=True)
class Request:
    method: str
    target: str  # path and query as sent
    status: int
    started: float  # time.monotonic() when the request's head had come in
    answered: float  # when the answer's head had come from the server
    sent_bytes: int
    received_bytes: int


class Recorder:
    """Modes: `pass`; `hang` holds requests back until the mode changes (they then
    reach the server late, as with a gateway that was stopped); `refuse` drops every connection; `unavailable` answers each
    second request 503; `lose_answers` forwards, then drops each third answer, so that the client cannot know whether its
    request was done; `cut` breaks the connection after half a megabyte of an answer; `shuffle` holds answers back for a
    moment each, so that they come in another order; `damage` turns a bit in every long answer. A change of mode applies to
    requests that begin after it, `refuse` also to those under way.

    `between_requests` is called with each request that the server has answered, before anybody learns of the answer;
    nothing passes in either direction until it returns. What it raises is kept in `failures`. `sign_for`: requests are
    signed anew for this account, since the program's clock has been set and the server's cannot be."""

    def __init__(self, endpoint: str, *, sign_for: S3Account | None = None):
        address = urlsplit(endpoint)
        self._sign_for = sign_for
        self._server_address = (address.hostname, address.port)
        self.requests: list[Request] = []
        self.between_requests: Callable[[Request], None] | None = None
        self.failures: list[BaseException] = []
        self._mode, self._count = "pass", 0
        self.cuts = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        self._ready.wait(10)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def set_mode(self, mode: str) -> None:
        assert mode in MODES
        self._mode = mode
        self._loop.call_soon_threadsafe(self._mode_changed)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(10)

    async def _serve(self) -> None:
        self._loop, self._stopped, self._changed = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self._port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stopped.wait()
        server.close()
        for task in self._tasks:
            task.cancel()

    def _mode_changed(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
        if self._mode == "refuse":
            for task in self._tasks:
                task.cancel()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        upstream: asyncio.StreamWriter | None = None
        try:
            if self._mode == "refuse":
                return
            server_reader, upstream = await asyncio.open_connection(*self._server_address)
            while await self._exchange(reader, writer, server_reader, upstream):
                pass
        except (asyncio.CancelledError, asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._tasks.discard(task)
            for side in (writer, upstream):
                if side is not None:
                    with contextlib.suppress(Exception):
                        side.transport.abort()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter,
                        server: asyncio.StreamReader, upstream: asyncio.StreamWriter) -> bool:
        """One request and its answer. False ends the connection."""
        head = await reader.readuntil(b"\r\n\r\n")
        started = time.monotonic()
        method, target = head.split(b" ", 2)[:2]
        body = await _read_body(reader, head)
        mode = self._mode
        self._count += 1
        if mode == "hang":
            await self._changed.wait()
        if mode == "unavailable" and self._count % 2 == 0:
            writer.write(b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\n\r\n")
            self._note(method, target, 503, started, time.monotonic(), len(body), 0)
            return True
        upstream.write((signed_anew(self._sign_for, head, body) if self._sign_for else head) + body)
        await upstream.drain()
        answer = await server.readuntil(b"\r\n\r\n")
        answered = time.monotonic()
        content = b"" if method == b"HEAD" or _bodiless(answer) else await _read_body(server, answer)
        self._note(method, target, int(answer.split(b" ", 2)[1]), started, answered, len(body), len(content))
        if mode == "lose_answers" and self._count % 3 == 0:
            return False
        if mode == "cut" and len(content) > CUT_BYTES:
            self.cuts += 1
            writer.write(answer + content[:CUT_BYTES])
            await writer.drain()
            writer.close()  # what was written still goes out
            await writer.wait_closed()
            return False
        if mode == "shuffle":
            await asyncio.sleep(self._count * 7 % 11 / 100)
        if mode == "damage" and len(content) > 10_000:
            middle = len(content) // 2
            content = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1:]
        writer.write(answer + content)
        await writer.drain()
        return b"connection: close" not in answer.lower()

    def _note(self, method: bytes, target: bytes, status: int, started: float, answered: float, sent: int,
              received: int) -> None:
        self.requests.append(Request(method.decode(), target.decode(), status, started, answered, sent, received))
        if self.between_requests is not None:
            try:
                self.between_requests(self.requests[-1])
            except Exception as failure:  # noqa: BLE001: the test that asked for the call looks at it
                self.failures.append(failure)


def _bodiless(head: bytes) -> bool:
    status = int(head.split(b" ", 2)[1])
    return status in (204, 304) or status < 200


def _header(head: bytes, name: bytes) -> bytes | None:
    for line in head.split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.strip().lower() == name:
            return value.strip()
    return None


async def _read_body(reader: asyncio.StreamReader, head: bytes) -> bytes:
    """The body as it stands on the wire, chunk heads included."""
    length = _header(head, b"content-length")
    if length is not None:
        return await reader.readexactly(int(length))
    if (_header(head, b"transfer-encoding") or b"").lower() != b"chunked":
        return b""
    whole = b""
    while True:
        size_line = await reader.readuntil(b"\r\n")
        whole += size_line + await reader.readexactly(int(size_line.split(b";")[0], 16) + 2)
        if int(size_line.split(b";")[0], 16) == 0:
            return whole
