"""TLS certificates: check given ones, make self-signed ones."""

import atexit
import ipaddress
import os
import shutil
import ssl
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

ALWAYS_NAMED = ("localhost", "127.0.0.1", "::1")
VALID_DAYS = 365
NO_PASSPHRASE = ""


class CertificateError(ValueError):
    """The TLS files can't be used; the text names the file and says what to do."""


@dataclass(frozen=True)
class TlsFiles:
    """Certificate and private key of a server, two PEM files; a self-signed one is its clients' CA file, too."""

    certificate: Path
    key: Path


def server_context(files: TlsFiles) -> ssl.SSLContext:
    """The TLS settings of a server with these files (TLS 1.2 and newer); raises `CertificateError`."""
    for option, path in (("--tls-cert", files.certificate), ("--tls-key", files.key)):
        if not path.is_file():
            raise CertificateError(f"{path} is not a file; give {option} a PEM file, or use --tls self-signed")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        # The passphrase is given so that an encrypted key is an error, not a question on the terminal.
        context.load_cert_chain(files.certificate, files.key, password=NO_PASSPHRASE)
    except ssl.SSLError as error:
        raise CertificateError(_advice(files, error)) from error
    except OSError as error:
        raise CertificateError(f"{files.certificate} or {files.key} can't be read: {error}") from error
    return context


def _advice(files: TlsFiles, error: ssl.SSLError) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return f"{files.key} is not the key of {files.certificate}; give the pair that was made together"
    wanted = "one unencrypted PEM file with the certificate (and its chain) and one with its private key"
    return f"{files.certificate} and {files.key} are not usable for TLS ({error.reason or error}); expected {wanted}"


def self_signed(hosts: Iterable[str] = (), folder: Path | None = None) -> TlsFiles:
    """Make a self-signed certificate for localhost, 127.0.0.1, ::1 and `hosts`, valid for a year.

    Written as `certificate.pem` and `key.pem` (readable by this user only) into `folder`, by default a new temporary
    one that is removed when the process ends. Clients trust it by naming the certificate as their CA file.
    """
    # Here and below, because `cryptography` is slow to import and seldom needed.
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _certificate([*ALWAYS_NAMED, *hosts], key)
    place = folder or _temporary_folder()
    place.mkdir(parents=True, exist_ok=True)
    files = TlsFiles(place / "certificate.pem", place / "key.pem")
    files.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    _write_private(
        files.key,
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )
    return files


def _temporary_folder() -> Path:
    """A folder for a private key that nobody needs once the process has ended."""
    folder = tempfile.mkdtemp(prefix="fake-pacs-tls-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def _certificate(hosts: Iterable[str], key: "EllipticCurvePrivateKey") -> "x509.Certificate":
    """A certificate that is its own issuer; marked as a CA, because strict clients trust nothing else as one."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "fake-pacs self-signed")])
    now = datetime.now(UTC)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # a client's clock may be behind
        .not_valid_after(now + timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName(_names(hosts)), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(identifier, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        .sign(key, hashes.SHA256())
    )


def _key_usage() -> "x509.KeyUsage":
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _names(hosts: Iterable[str]) -> "list[x509.GeneralName]":
    from cryptography import x509

    names: list[x509.GeneralName] = []
    for host in dict.fromkeys(hosts):
        try:
            names.append(x509.IPAddress(ipaddress.ip_address(host)))
        except ValueError:
            try:
                names.append(x509.DNSName(host))
            except ValueError as error:
                raise CertificateError(f"{host!r} can't stand in a certificate; give an ASCII host name") from error
    return names


def _write_private(path: Path, content: bytes) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
