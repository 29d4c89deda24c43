"""The URL under which an app calls the PACS back: one that the app can reach."""

import socket
from contextlib import suppress
from ipaddress import ip_address
from urllib.parse import urlsplit

from fake_pacs.world import World, contract


def callback_url(world: World, app_url: str, base_url: str | None = None) -> str:
    """The base URL of the IA-API as the app at `app_url` reaches it, without a trailing slash.

    It is `base_url` where that is given, else the server's public URL, else from the address that it listens on: where
    that means every address of this machine, the one that leads to the app. Raises `RuntimeError` where nothing is
    known, as the server doesn't serve.
    """
    root = base_url or world.settings.public_url or world.address
    if root is None:
        raise RuntimeError("apps could not call back: the server doesn't run and has no public URL; start it first")
    if root == world.address:
        root = _from_here(root, app_url)
    root, base_path = root.rstrip("/"), contract("ia-api", world.settings.version).base_path
    return root if root.endswith(base_path) else root + base_path


def _from_here(root: str, app_url: str) -> str:
    """The root as it is, or with this machine's address on the way to the app where it is bound to all of them."""
    parts = urlsplit(root)
    try:
        everywhere = ip_address(parts.hostname or "").is_unspecified
    except ValueError:
        return root
    if not everywhere:
        return root
    family = socket.AF_INET if "." in (parts.hostname or "") else socket.AF_UNSPEC
    host = _own_address(urlsplit(app_url).hostname or "localhost", family)
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{parts.port}"


def _own_address(host: str, family: socket.AddressFamily) -> str:
    """The address of this machine that a packet to that host would carry; nothing is sent.

    It is of that family, as who listens on 0.0.0.0 isn't there at any IPv6 address.
    """
    with suppress(OSError, UnicodeError):
        for of, kind, protocol, _, address in socket.getaddrinfo(host, 9, family, socket.SOCK_DGRAM):
            with suppress(OSError), socket.socket(of, kind, protocol) as probe:
                probe.connect(address)
                found: str = probe.getsockname()[0]
                return found.partition("%")[0]
    return "localhost"
