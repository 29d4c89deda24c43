"""What is wrong with a server's certificate: each thing by itself, as a failed handshake names only the first."""

import ipaddress
import socket
import ssl
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from fake_pacs.doctor.findings import Finding, ok, problem, warning

if TYPE_CHECKING:
    from cryptography import x509

TIMEOUT = 5.0
SOON_DAYS = 14


def certificate_findings(host: str, port: int, ca_file: Path | None, now: datetime) -> Iterator[Finding]:
    """What clients on this machine will say of the certificate; `ca_file` (PEM) is trusted beside the system's."""
    from cryptography import x509  # slow to import, and only needed here

    try:
        der = _shown(host, port)
    except OSError as error:
        reason = getattr(error, "reason", None) or error
        advice = "If it serves plain HTTP there, write http:// in its URL."
        yield problem("tls.handshake", f"there is no TLS at {host}, port {port} ({reason})", advice)
        return
    certificate = x509.load_der_x509_certificate(der)
    yield _trust(host, port, ca_file, certificate)
    yield _name(host, certificate)
    yield _expiry(certificate, now)


def _shown(host: str, port: int) -> bytes:
    """The certificate that the server shows, trusted or not."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with _handshake(context, host, port) as tls:
        return tls.getpeercert(binary_form=True) or b""


def _handshake(context: ssl.SSLContext, host: str, port: int) -> ssl.SSLSocket:
    raw = socket.create_connection((host, port), TIMEOUT)
    try:
        return context.wrap_socket(raw, server_hostname=host)
    except BaseException:
        raw.close()
        raise


def _trust(host: str, port: int, ca_file: Path | None, certificate: "x509.Certificate") -> Finding:
    """Whether its issuer is trusted; name and time are looked at by themselves."""
    try:
        context = ssl.create_default_context()
        if ca_file is not None:
            context.load_verify_locations(ca_file)
    except OSError as error:
        return problem("tls.trust", f"the CA file {ca_file} can't be used ({error})", "Give a readable file, PEM.")
    context.check_hostname = False
    try:
        _handshake(context, host, port).close()
    except ssl.SSLCertVerificationError as error:
        if error.verify_code in (9, 10):  # not yet valid, expired: the issuer was known
            return ok("tls.trust", f"the issuer {_plain(certificate.issuer)} is trusted")
        return _untrusted(certificate, error)
    except OSError as error:
        return problem("tls.trust", f"the handshake failed ({error})", "Ask again; look at the server's log.")
    return ok("tls.trust", f"the issuer {_plain(certificate.issuer)} is trusted")


def _untrusted(certificate: "x509.Certificate", error: ssl.SSLCertVerificationError) -> Finding:
    give = "clients need it as their CA file: --ca-file FILE here, FAKE_PACS_CA_FILE, REQUESTS_CA_BUNDLE for requests"
    if certificate.issuer == certificate.subject:
        text = f"the certificate of {_plain(certificate.subject)} is signed by itself, and not trusted here"
        return problem("tls.trust", text, f"Copy the certificate (fake-pacs serve tells its CA file); {give}.")
    text = f"the issuer {_plain(certificate.issuer)} is not trusted here ({error.verify_message})"
    return problem("tls.trust", text, f"Get the issuer's certificate; {give}. The server must send its whole chain.")


def _name(host: str, certificate: "x509.Certificate") -> Finding:
    names = _names(certificate)
    if any(_fits(host, name) for name in names):
        return ok("tls.name", f"it is for {host}")
    text = f"it is for {', '.join(names) or 'no host at all'}, not for {host}"
    return problem("tls.name", text, "Ask under one of these names, or have the certificate made for this one.")


def _names(certificate: "x509.Certificate") -> list[str]:
    from cryptography import x509

    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:  # the common name alone counts for no client any more
        return []
    addresses = [str(address) for address in names.get_values_for_type(x509.IPAddress)]
    return [*names.get_values_for_type(x509.DNSName), *addresses]


def _fits(host: str, name: str) -> bool:
    """Whether a certificate for that name is one for the host: `*.` stands for one label."""
    try:
        return ipaddress.ip_address(host) == ipaddress.ip_address(name)
    except ValueError:
        own, others = host.lower().rstrip("."), name.lower()
    return own == others or (others.startswith("*.") and own.partition(".")[2] == others[2:])


def _expiry(certificate: "x509.Certificate", now: datetime) -> Finding:
    first, last = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now < first:
        text = f"it is valid only from {first:%Y-%m-%d %H:%M} UTC on"
        return problem("tls.expiry", text, "Look at this machine's clock, else have it made anew.")
    if now > last:
        return problem("tls.expiry", f"it has expired on {last:%Y-%m-%d %H:%M} UTC", "Have it made anew.")
    days = (last - now).days
    text = f"it is valid until {last:%Y-%m-%d}, {days} days from now"
    if days < SOON_DAYS:
        return warning("tls.expiry", text, "Have it made anew.")
    return ok("tls.expiry", text)


def _plain(name: "x509.Name") -> str:
    text = name.rfc4514_string()
    return "".join(one if one.isprintable() else "?" for one in text)[:200]
