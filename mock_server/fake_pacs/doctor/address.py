"""From this machine to a host: its name, its port, a proxy in between, its certificate."""

import os
import socket
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from fake_pacs.calling.addresses import Place
from fake_pacs.doctor.certificates import certificate_findings
from fake_pacs.doctor.findings import Finding, ok, problem, warning

TIMEOUT = 5.0


def address_findings(place: Place, ca_file: Path | None, now: datetime) -> Iterator[Finding]:
    """Whether that host can be reached from here; after a `problem` nothing more can be asked of it."""
    named = _name(place)
    yield named
    if named.level == "problem":
        return
    connected = _connect(place)
    yield connected
    if connected.level == "problem":
        return
    yield from _proxy(place)
    if place.scheme == "https":
        yield from certificate_findings(place.host, place.port, ca_file, now)


def _name(place: Place) -> Finding:
    try:
        found = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        advice = "Mend the name, or the name server's entry; between containers it is the service's name."
        return problem("address.name", f"{place.host} leads nowhere ({error})", advice)
    addresses = dict.fromkeys(str(entry[4][0]) for entry in found)
    return ok("address.name", f"{place.host} is {', '.join(addresses)}")


def _connect(place: Place) -> Finding:
    where = f"{place.host}, port {place.port}"
    try:
        socket.create_connection((place.host, place.port), TIMEOUT).close()
    except ConnectionRefusedError:
        advice = "Start it, or mend the port; a server that listens on localhost is seen by its own machine alone."
        return problem("address.connect", f"nobody listens at {where}", advice)
    except OSError as error:
        advice = "Look for a firewall in between, and whether the machine is there."
        return problem("address.connect", f"{where} can't be reached ({error or type(error).__name__})", advice)
    return ok("address.connect", f"{where} answers")


def _proxy(place: Place) -> Iterator[Finding]:
    proxy = getproxies().get(place.scheme)
    if proxy and not proxy_bypass(place.host):
        shown = urlsplit(proxy).hostname or "one"
        name = f"{place.scheme.upper()}_PROXY"
        kept = ",".join(filter(None, [os.environ.get("NO_PROXY") or os.environ.get("no_proxy"), place.host]))
        text = f"{name} sends clients on this machine to the proxy {shown} when they ask {place.host}"
        yield warning("address.proxy", text, f"Set NO_PROXY={kept} where clients run.")
