"""Whether a port of this machine is free."""

from __future__ import annotations

import errno
import socket

from reseen.doctor.finding import Finding


def check_port(port: int) -> Finding:
    """Bind a port of 127.0.0.1 for a moment; nothing is connected to."""
    name = f"port {port}"
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a connection that lingers does not hold it
        try:
            server.bind(("127.0.0.1", port))
        except OSError as error:
            text = (
                "taken by another program" if error.errno == errno.EADDRINUSE else f"cannot be used: {error.strerror}"
            )
            return Finding(
                name, "problem", text, "end the program that listens there, or have the service use another port"
            )
    return Finding(name, "ok", "free")
