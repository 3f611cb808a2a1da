"""Sockets of the load: opened without waiting, stamped by the kernel where it can, with TLS where the URL says so."""

import platform
import socket
import ssl
import struct
from typing import Any, List, NamedTuple, Tuple

from .targets import Target

# Linux's generic number and its `struct timespec` of two longs; other architectures have numbers of their own.
_SO_TIMESTAMPNS = 35
KERNEL_STAMPS = platform.machine() in ("x86_64", "aarch64", "ppc64le", "s390x", "riscv64")
TIMESPEC = struct.Struct("@ll")
ANCILLARY_BYTES = socket.CMSG_SPACE(TIMESPEC.size)


class Address(NamedTuple):
    """A target whose name was looked up."""

    target: Target
    family: int
    address: Any


def address_of(target: Target) -> Address:
    """Raises OSError."""
    family, _, _, _, address = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)[0]
    return Address(target, family, address)


def open_socket(address: Address) -> socket.socket:
    """Set up and not connected."""
    connection = socket.socket(address.family, socket.SOCK_STREAM)
    connection.setblocking(False)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if KERNEL_STAMPS and address.target.tls is None:
        try:
            connection.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        except OSError:
            pass  # Not every kernel's imitation has it: stamps are then taken after the read.
    return connection


def wrapped(connection: socket.socket, target: Target) -> "TlsSocket":
    return TlsSocket(target.tls.wrap_socket(connection, server_hostname=target.host, do_handshake_on_connect=False))


class TlsSocket:
    """An SSLSocket that is read and written as a plain non-blocking one. The kernel's stamps are of encrypted records
    and do not reach its reader: there are none."""

    def __init__(self, connection: ssl.SSLSocket) -> None:
        self._connection = connection

    def handshake(self) -> str:
        """`done`, or what it waits for: `read`, `write`. Raises OSError."""
        try:
            self._connection.do_handshake()
        except ssl.SSLWantReadError:
            return "read"
        except ssl.SSLWantWriteError:
            return "write"
        return "done"

    def recvmsg(self, size: int, _: int) -> Tuple[bytes, List[Any], int, None]:
        """All that has arrived: what stayed within the TLS layer would wake nobody."""
        data = self.recv(size)
        while data and self._connection.pending():
            try:
                data += self.recv(size)
            except BlockingIOError:
                break
        return data, [], 0, None

    def recv(self, size: int) -> bytes:
        try:
            return self._connection.recv(size)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise BlockingIOError from None

    def send(self, data: bytes) -> int:
        try:
            return self._connection.send(data)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise BlockingIOError from None

    def getsockopt(self, level: int, option: int) -> int:
        return self._connection.getsockopt(level, option)

    def setblocking(self, blocking: bool) -> None:
        self._connection.setblocking(blocking)

    def fileno(self) -> int:
        return self._connection.fileno()

    def close(self) -> None:
        self._connection.close()
