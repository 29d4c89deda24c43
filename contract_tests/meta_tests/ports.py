"""Ports for servers that can't choose one themselves."""

import socket


def free_port() -> int:
    """A port of localhost that nobody listened on a moment ago."""
    with socket.socket() as found:
        found.bind(("localhost", 0))
        port: int = found.getsockname()[1]
        return port
