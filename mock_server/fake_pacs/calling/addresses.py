"""Which URLs the fake PACS calls: http and https, and no host that only a cloud machine itself should reach."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit

from ia_api_spec import shown

MAX_URL = 2048
"""Longest URL that is called, in characters."""

EXAMPLE = "http://localhost:9000/hook"

_PORTS = {"http": 80, "https": 443}
_PRINTABLE = re.compile(r"[!-~]+")
_METADATA = frozenset(
    map(
        ip_address,
        (
            "169.254.169.254",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "fd00:ec2::254",
            "fd20:ce::254",
            "fd00:42::42",
        ),
    )
)
"""Where the machines of the large clouds ask for their own credentials; most are link-local, these are all."""

_WITHIN = (("64:ff9b::/96", 0), ("64:ff9b:1::/48", 0), ("::ffff:0:0:0/96", 0), ("::/96", 0), ("2002::/16", 80))
_IPV4_WITHIN: tuple[tuple[IPv6Network, int], ...] = tuple((IPv6Network(network), shift) for network, shift in _WITHIN)
"""IPv6 networks whose addresses hold an IPv4 address, so many bits from the right: NAT64, IPv4-translated and
-compatible, 6to4."""

_METADATA_NAMES = ("metadata.google.internal", "metadata.goog", "metadata")


class UrlError(ValueError):
    """The URL is none that an app can be called at; the text says what came, what was expected and what to do."""


@dataclass(frozen=True)
class Place:
    """A URL taken apart: where to connect, and what to say there. `authority` is the `Host` header's value."""

    scheme: str
    host: str
    port: int
    target: str
    authority: str

    @property
    def peer(self) -> str:
        """Host and port as a URL has them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def place_of(url: str) -> Place:
    """Where a URL leads. Raises `UrlError` for what isn't http or https, has no host, or carries user or password."""
    if not isinstance(url, str) or len(url) > MAX_URL or not _PRINTABLE.fullmatch(url):
        raise _no_url(url, f"printable ASCII without blanks, at most {MAX_URL} characters (percent-encode the rest)")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _no_url(url, f"a host and perhaps a port from 1 to 65535 ({error})") from None
    _check(url, parts, port)
    host = parts.hostname or ""
    named = f"[{host}]" if ":" in host else host
    usual = _PORTS[parts.scheme]
    authority = named if port in (None, usual) else f"{named}:{port}"
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Place(parts.scheme, host, port or usual, target, authority)


def endpoint(url: str, name: str) -> str:
    """The URL of `/info` or `/imagenotification` of the app at that URL, whether that ends with a slash or not."""
    return f"{url.rstrip('/')}/{name}"


def check_app_url(url: str) -> str:
    """The URL of an app, to which `/info` can be appended. Raises `UrlError`."""
    place_of(url)
    if "?" in url:
        raise _no_url(url, "no query: /info and /imagenotification are appended to an app's URL")
    return url


def check_host(host: str) -> None:
    """Raises `UrlError` for a name by which clouds call their metadata service."""
    if host.lower().rstrip(".") in _METADATA_NAMES:
        raise _refused(host, "a cloud's metadata service")


def check_address(address: str) -> None:
    """Raises `UrlError` for a link-local address or a cloud's metadata service, in whatever form of IPv4 or IPv6."""
    for form in _forms(ip_address(address)):
        if form in _METADATA:
            raise _refused(address, "a cloud's metadata service")
        if form.is_link_local:
            raise _refused(address, "a link-local address")
        if form.is_multicast:
            raise _refused(address, "a multicast address")


def _forms(address: IPv4Address | IPv6Address) -> list[IPv4Address | IPv6Address]:
    """The address itself, and the IPv4 address that it may hold."""
    if isinstance(address, IPv4Address):
        return [address]
    plain = IPv6Address(int(address))  # without the zone (%eth0), which makes equal addresses differ
    within = [] if plain.ipv4_mapped is None else [plain.ipv4_mapped]
    within += [IPv4Address(int(plain) >> shift & 0xFFFFFFFF) for network, shift in _IPV4_WITHIN if plain in network]
    return [plain, *within]


def _check(url: str, parts: SplitResult, port: int | None) -> None:
    if parts.scheme not in _PORTS:
        raise _no_url(url, f"http or https, such as {EXAMPLE}")
    if not parts.hostname or port == 0:
        raise _no_url(url, f"a host and perhaps a port from 1 to 65535, such as {EXAMPLE}")
    if parts.username is not None or parts.password is not None:
        raise UrlError(
            f"the URL for the host {shown(parts.hostname)} carries a user or password (not repeated here); "
            "expected none: the PACS doesn't log in to apps. Leave it out."
        )
    if parts.fragment:
        raise _no_url(url, "no fragment (#…): it is never sent")


def _no_url(url: object, expected: str) -> UrlError:
    came = shown(url)
    if isinstance(url, str) and "@" in url:
        came = f"a text of {len(url)} characters with an @ (not repeated here: it may hold a password)"
    return UrlError(f"the URL came as {came}; expected {expected}.")


def _refused(host: str, what: str) -> UrlError:
    return UrlError(
        f"the URL leads to {shown(host)}, {what}; expected an app's own address: no app lives there, and what "
        "does must not be asked by strangers. If yours really does, start the server with --allow-link-local."
    )
