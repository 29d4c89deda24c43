"""What requests and urllib3 raise, as this client's errors: was anything sent, is it worth trying again, in plain
words.
"""

import ssl
from collections.abc import Iterator

import requests
import urllib3

from sectra_client.connections import CertificatesError, HandshakeError
from sectra_client.utils.errors import SectraConnectionError, SectraTimeoutError, SectraUncertainWriteError
from sectra_client.wire.messages import Request

NOTHING_SENT = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.NameResolutionError,
    urllib3.exceptions.ProxyError,
    requests.exceptions.ConnectTimeout,
    requests.exceptions.ProxyError,
)
PERMANENT = (
    ssl.SSLCertVerificationError,
    CertificatesError,
    urllib3.exceptions.LocationValueError,
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidHeader,
    requests.exceptions.InvalidSchema,
)
ANSWERED = urllib3.exceptions.InvalidHeader
"""A header of the answer; requests says `InvalidHeader` for those of the request and of the answer."""

REFUSED = urllib3.exceptions.NewConnectionError
"""No time-out, though urllib3 derives it from one."""

TIMEOUTS = (urllib3.exceptions.TimeoutError, requests.exceptions.Timeout, TimeoutError)


TLS = (urllib3.exceptions.SSLError, requests.exceptions.SSLError, ssl.SSLError, HandshakeError)
NO_TLS = frozenset(
    {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNSUPPORTED_PROTOCOL", "NO_SHARED_CIPHER", "NO_CERTIFICATE_OR_CRL_FOUND"}
)
"""What OpenSSL says in a handshake that can't succeed; other TLS failures may come after the request was sent."""


def connection_error(error: Exception, request: Request, base: str) -> SectraConnectionError:
    """The error to raise: an uncertain write where a write may have arrived, else a time-out or a failed connection."""
    chain = list(_chain(error))
    answered = any(isinstance(link, ANSWERED) for link in chain)
    permanent = not answered and any(_is_permanent(link) for link in chain)
    sent = answered or not (permanent or any(isinstance(link, NOTHING_SENT) for link in chain))
    late = any(isinstance(link, TIMEOUTS) and not isinstance(link, REFUSED) for link in chain)
    what = f"{request.method} {request.path} at {base}: {_reason(chain)}"
    if sent and not request.may_repeat:
        return SectraUncertainWriteError(
            f"{what}. The write may have reached the server, so it isn't sent again: read what is stored, then decide."
        )
    kind = SectraTimeoutError if late else SectraConnectionError
    made = kind(f"{what}. {_advice(chain, sent)}")
    made.sent, made.permanent = sent, permanent
    return made


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and those that it wraps, outermost first: requests and urllib3 keep them in `args`, `reason` and the
    cause. Not in the context: that leads on to whatever the caller is handling.
    """
    seen: set[int] = set()
    queue = [error]
    while queue:
        link = queue.pop(0)
        if isinstance(link, BaseException) and id(link) not in seen:
            seen.add(id(link))
            yield link
            queue += [getattr(link, "reason", None), *link.args, link.__cause__]


def _is_permanent(link: BaseException) -> bool:
    return isinstance(link, PERMANENT) or getattr(link, "reason", None) in NO_TLS


def _reason(chain: list[BaseException]) -> str:
    """What the operating system or TLS said, or at least what sort of failure it was; never a URL."""
    for link in reversed(chain):
        if isinstance(link, CertificatesError):
            return str(link)
        if isinstance(link, OSError) and not isinstance(link, requests.RequestException) and link.strerror:
            return link.strerror
        if type(link).__name__ == "IncompleteRead":  # http.client's or urllib3's
            return "the answer broke off"
        if type(link).__module__ == "http.client":
            return f"{type(link).__name__}: the server closed the connection without an answer"
    return type(chain[0]).__name__


def _advice(chain: list[BaseException], sent: bool) -> str:
    if any(isinstance(link, CertificatesError) for link in chain):
        return "Nothing was sent: pass a CA file that is there as `verify`, or mend REQUESTS_CA_BUNDLE."
    if any(isinstance(link, TLS) for link in chain):
        return "TLS failed: pass the hospital's CA file as `verify`, and check that the port speaks TLS."
    if sent:
        return "The server took the request and gave no whole answer: try again later."
    return "Nothing was sent: is the server there, and the URL right?"
