"""TLS of the server, and the certificates it is given or makes."""

import http.client
import json
import socket
import ssl
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from fake_pacs.certificates import CertificateError, TlsFiles, self_signed, server_context
from fake_pacs.serving import HttpServer


def app(environ: dict[str, Any], start_response: Any) -> Any:
    start_response("200 OK", [])
    return [environ["wsgi.url_scheme"].encode()]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> TlsFiles:
    return self_signed(["pacs.example", "192.0.2.7"], tmp_path_factory.mktemp("tls"))


@pytest.fixture
def server(files: TlsFiles) -> Iterator[HttpServer]:
    with HttpServer(app, tls=files) as running:
        yield running


def client(server: HttpServer, files: TlsFiles, host: str = "localhost") -> http.client.HTTPSConnection:
    context = ssl.create_default_context(cafile=files.certificate)
    return http.client.HTTPSConnection(host, server.port, timeout=5, context=context)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_client_that_trusts_the_certificate_is_served_and_kept(
    server: HttpServer, files: TlsFiles, host: str
) -> None:
    connection = client(server, files, host)
    for _ in range(2):
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"https"
    connection.close()
    assert server.scheme == "https"


def test_a_client_that_does_not_trust_it_is_not_served(server: HttpServer) -> None:
    stranger = http.client.HTTPSConnection("localhost", server.port, timeout=5, context=ssl.create_default_context())
    with pytest.raises(ssl.SSLCertVerificationError):
        stranger.request("GET", "/")
    stranger.close()


def test_plain_http_on_the_tls_port_is_told_so(server: HttpServer) -> None:
    connection = http.client.HTTPConnection("localhost", server.port, timeout=5)
    connection.request("GET", "/")
    response = connection.getresponse()
    assert response.status == 400
    assert response.headers["Content-Type"] == "application/problem+json"
    assert "https://" in json.loads(response.read())["detail"]
    connection.close()


def test_silent_clients_hold_up_neither_others_nor_the_stop(server: HttpServer, files: TlsFiles) -> None:
    with (
        socket.create_connection(("localhost", server.port)),
        socket.create_connection(("localhost", server.port)) as half,
    ):
        half.sendall(b"\x16\x03\x01")
        connection = client(server, files)
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"https"
        begun = time.monotonic()
        server.stop()
        assert time.monotonic() - begun < 1
        connection.close()


def test_the_certificate_names_the_loopback_and_the_given_hosts(files: TlsFiles) -> None:
    from cryptography import x509

    certificate = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost", "pacs.example"]
    assert [str(ip) for ip in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1", "192.0.2.7"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no file modes")
def test_only_this_user_can_read_the_key(files: TlsFiles) -> None:
    assert stat.S_IMODE(files.key.stat().st_mode) == 0o600


def test_without_a_folder_a_new_one_is_made() -> None:
    first, second = self_signed(), self_signed()
    assert first.certificate.parent != second.certificate.parent
    assert first.key.is_file()


def test_a_host_that_no_certificate_can_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CertificateError, match="ASCII host name"):
        self_signed(["bücher.example"], tmp_path)


def test_unusable_files_are_errors_that_say_what_to_do(files: TlsFiles, tmp_path: Path) -> None:
    other = self_signed(folder=tmp_path / "other")
    garbage = tmp_path / "garbage.pem"
    garbage.write_text("no certificate")
    key = serialization.load_pem_private_key(files.key.read_bytes(), None)
    encrypted = tmp_path / "encrypted.pem"
    encrypted.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
        )
    )
    for given, text in (
        (TlsFiles(tmp_path / "missing.pem", files.key), r"missing.pem is not a file; give --tls-cert"),
        (TlsFiles(files.certificate, tmp_path), r"is not a file; give --tls-key"),
        (TlsFiles(files.certificate, other.key), r"is not the key of .*made together"),
        (TlsFiles(garbage, files.key), r"garbage.pem and .* are not usable for TLS"),
        (TlsFiles(files.certificate, encrypted), r"unencrypted PEM file"),
    ):
        with pytest.raises(CertificateError, match=text):
            server_context(given)
        with pytest.raises(CertificateError, match=text):
            HttpServer(app, tls=given).start()
