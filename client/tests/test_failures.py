"""What requests and urllib3 raise, told apart: was anything sent, and is trying again of use."""

import ssl

import pytest
import requests
import urllib3

from sectra_client import SectraConnectionError, SectraTimeoutError, SectraUncertainWriteError
from sectra_client.failures import connection_error
from sectra_client.wire.messages import Request

READ, WRITE = Request("getInfo", "GET", "/info"), Request("createResult", "POST", "/x", {"sessionToken": "hidden"})


def tls(reason: str, kind: type[ssl.SSLError] = ssl.SSLError) -> Exception:
    inner = kind(1, f"[SSL: {reason}] said")
    inner.reason = reason
    return requests.exceptions.SSLError(urllib3.exceptions.SSLError(inner))


def lost(error: Exception) -> Exception:
    return requests.exceptions.ConnectionError(urllib3.exceptions.ProtocolError("Connection aborted.", error))


NO_PROXY = requests.exceptions.ProxyError(urllib3.exceptions.ProxyError("no", OSError(1, "x")))
CASES = [
    (tls("CERTIFICATE_VERIFY_FAILED", ssl.SSLCertVerificationError), False, True, SectraConnectionError),
    (tls("WRONG_VERSION_NUMBER"), False, True, SectraConnectionError),
    (tls("UNEXPECTED_EOF_WHILE_READING", ssl.SSLEOFError), True, False, SectraConnectionError),
    (lost(ConnectionResetError(104, "Connection reset by peer")), True, False, SectraConnectionError),
    (requests.exceptions.ReadTimeout(), True, False, SectraTimeoutError),
    (requests.exceptions.ConnectTimeout(), False, False, SectraTimeoutError),
    (NO_PROXY, False, False, SectraConnectionError),
    (requests.exceptions.InvalidURL("http://x?sessionToken=hidden"), False, True, SectraConnectionError),
]


@pytest.mark.parametrize(("error", "sent", "permanent", "kind"), CASES, ids=lambda case: type(case).__name__)
def test_failures_are_told_apart(
    error: Exception, sent: bool, permanent: bool, kind: type[SectraConnectionError]
) -> None:
    read = connection_error(error, READ, "https://pacs")
    assert (type(read), read.sent, read.permanent) == (kind, sent, permanent)
    write = connection_error(error, WRITE, "https://pacs")
    assert isinstance(write, SectraUncertainWriteError) == sent
    assert "hidden" not in str(write)
    assert "POST /x at https://pacs: " in str(write)
