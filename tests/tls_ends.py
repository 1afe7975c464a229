"""TLS ends for tests: certificates of a throw-away authority, good and bad, and a proxy that terminates TLS before a payer."""

from __future__ import annotations

import ipaddress
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.contract.test_through_a_proxy import Forward

HERE = "127.0.0.1"


@dataclass(frozen=True)
class Authority:
    """A certificate authority nobody trusts but who is told to."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    file: Path

    def issue(self, folder: Path, name: str, *, host: str = HERE, days: tuple[float, float] = (-1, 300)) -> Path:
        """A certificate and its key in one PEM file, good from and until so many days from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = _certificate(name, key, self.certificate.subject, self.key, host, days)
        return _write(folder / f"{name}.pem", key, made)


def authority(folder: Path) -> Authority:
    """A new authority, its certificate in a file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Throw-away authority")])
    certificate = _certificate("authority", key, subject, key, "", (-2, 400))
    path = folder / "authority.pem"
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return Authority(key, certificate, path)


def self_signed(folder: Path) -> Path:
    """A certificate that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "self-signed")])
    return _write(folder / "self-signed.pem", key, _certificate("self-signed", key, subject, key, HERE, (-1, 300)))


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
    host: str,
    days: tuple[float, float],
) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(issuer if not host else x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(ca=not host, path_length=None), critical=True)
    )
    if host:
        here = x509.IPAddress(ipaddress.ip_address(host)) if host[0].isdigit() else x509.DNSName(host)
        builder = builder.add_extension(x509.SubjectAlternativeName([here]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _write(path: Path, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> Path:
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path


def speaking(
    certificate: Path, oldest: ssl.TLSVersion, newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
) -> ssl.SSLContext:
    """A server's context of some versions; versions before 1.2 with the weak ciphers they need."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    if oldest < ssl.TLSVersion.TLSv1_2:
        context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = oldest, newest
    return context


@contextmanager
def tls_end(port: int, context: ssl.SSLContext, behind: tuple[str, int], headers: dict[str, str]) -> Iterator[str]:
    """A proxy on a port (0: any) that speaks TLS to the front and http to a payer behind; adds headers to its answers."""

    class Handler(Forward):
        def end_headers(self) -> None:
            for name, value in headers.items():
                self.send_header(name, value)
            super().end_headers()

    Handler.behind = behind

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def get_request(self) -> tuple[ssl.SSLSocket, tuple[str, int]]:
            """The handshake is made by the thread that answers, so that one that hangs holds nobody up."""
            plain, address = self.socket.accept()
            return context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False), address

        def handle_error(self, request: object, client_address: object) -> None:
            """A handshake that fails is what these tests are about."""

    server = Quiet((HERE, port), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield f"https://{HERE}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
