"""Calls of apps behind https: certificates are verified, and an authority of one's own can be trusted."""

import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fake_pacs.calling.outbound import Outbound
from fake_pacs.certificates import self_signed, server_context
from fake_pacs.settings import SettingsError


@pytest.fixture
def outbound() -> Outbound:
    return Outbound()


@pytest.fixture
def tls_app(tmp_path: Path, raw_app: Any, http_answer: Any) -> Iterator[tuple[str, Path]]:
    """An app behind https with a certificate of its own: its URL and its CA file."""
    files = self_signed(["localhost"], tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        secure = server_context(files).wrap_socket(listener, server_side=True, do_handshake_on_connect=True)

        def serve() -> None:
            for _ in range(2):
                try:
                    connection, _ = secure.accept()
                except ssl.SSLError:
                    continue
                with connection:
                    connection.recv(1000)
                    connection.sendall(http_answer(200))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"https://localhost:{secure.getsockname()[1]}/", files.certificate
        secure.close()


def test_certificates_are_verified_and_a_ca_file_is_trusted(outbound: Outbound, tls_app: tuple[str, Path]):
    url, authority = tls_app
    refused = outbound.get(url, 5)
    assert "isn't trusted" in str(refused.trouble)
    assert "--app-ca FILE" in str(refused.trouble)
    assert Outbound(ca_file=str(authority)).get(url, 5).status == 200


def test_https_with_an_app_that_speaks_http_is_told(outbound: Outbound, raw_app: Any):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                connection.recv(1000)

        thread = threading.Thread(target=serve)
        thread.start()
        answer = outbound.get(f"https://127.0.0.1:{listener.getsockname()[1]}/", 5)
        thread.join(10)
    assert "does it serve https?" in str(answer.trouble)


@pytest.mark.parametrize("content", [None, b"no certificate"])
def test_a_ca_file_that_can_t_be_used_is_known_at_once(tmp_path: Path, content: bytes | None):
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match=r"--app-ca .*ca\.pem can't be used .*PEM"):
        Outbound(ca_file=str(path))
