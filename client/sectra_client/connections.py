"""The session and the connections of requests, as this client needs them: redirects aren't looked at, and a TLS
handshake that fails is told apart from a request that got lost.
"""

from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

CONNECTIONS = 64


class HandshakeError(urllib3.exceptions.NewConnectionError):
    """TLS didn't come about; the cause says why. No byte of the request was sent."""


class CertificatesError(OSError):
    """The certificates to check servers with aren't there. Nothing was sent."""


class _Connection(HTTPSConnection):
    def connect(self) -> None:
        try:
            super().connect()
        except OSError as error:  # TLS' errors, too; that nobody listens is urllib3's own error
            raise HandshakeError(self, "the TLS handshake failed") from error


class _Pool(HTTPSConnectionPool):
    ConnectionCls = _Connection


class Adapter(HTTPAdapter):
    """Connections whose failed handshakes are `HandshakeError`s, and missing CA files `CertificatesError`s."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """As in requests, with this module's connections."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": HTTPConnectionPool, "https": _Pool}

    def cert_verify(self, *args: Any, **options: Any) -> None:
        """As in requests, which looks here whether the CA file of `verify` or of the environment is there."""
        try:
            super().cert_verify(*args, **options)  # type: ignore[no-untyped-call]
        except OSError as error:
            raise CertificatesError(str(error)) from error

    def proxy_manager_for(self, proxy: Any, **options: Any) -> Any:
        """As in requests, with this module's connections but for SOCKS, which has its own."""
        manager = super().proxy_manager_for(proxy, **options)
        if type(manager) is urllib3.ProxyManager:
            manager.pool_classes_by_scheme = {"http": HTTPConnectionPool, "https": _Pool}
        return manager


class Session(requests.Session):
    """A session to which no answer is a redirect: requests would read its whole body, and fails on odd targets."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """None."""


def session() -> Session:
    """A session with at most 64 connections kept to a host, and no retries of its own."""
    made = Session()
    for scheme in ("https://", "http://"):
        made.mount(scheme, Adapter(pool_maxsize=CONNECTIONS, max_retries=0))
    return made
