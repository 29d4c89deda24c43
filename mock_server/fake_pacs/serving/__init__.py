"""Serve one WSGI application over HTTP/1.1 in a thread, a thread per connection (docs/decisions/0001-http-server.md).

h11 speaks the protocol, the standard library owns sockets and TLS, and these modules join the two:
`server` starts and stops, `listeners` binds, `connection` runs one connection, `wire` moves bytes, `wsgi` is PEP 3333,
`heads` tells what a refused request was, `spoiling` sends answers that are wrong on purpose.
"""

from fake_pacs.serving.connection import Connection
from fake_pacs.serving.heads import WireRefusal
from fake_pacs.serving.listeners import ListenError
from fake_pacs.serving.server import HttpServer
from fake_pacs.serving.spoiling import WireFault, pause
from fake_pacs.serving.wire import Limits, Refused
from fake_pacs.serving.wsgi import CONNECTION_KEY

__all__ = [
    "CONNECTION_KEY",
    "Connection",
    "HttpServer",
    "Limits",
    "ListenError",
    "Refused",
    "WireFault",
    "WireRefusal",
    "pause",
]
