"""A private certificate authority for one enforcer, and its server certificate (RFC 5280).

Agents and people's clients trust this authority only, so no public one can put itself between.
"""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from enforcer.keys import write_private
from retention.calendar import Instant
from retention.errors import ConfigError

AUTHORITY_DAYS = 3650
SERVER_DAYS = 825
"""The longest that Apple's and Google's clients accept for a certificate made by hand."""

_EARLIER = timedelta(days=1)  # a terminal's clock may be behind ours


class Authority(NamedTuple):
    """Who signs server certificates."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def make_authority(now: Instant) -> Authority:
    """A new authority that may sign servers and nothing else."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _named("retention enforcer authority")
    certificate = (
        _builder(name, name, key.public_key(), now, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Authority(certificate, key)


def write_authority(authority: Authority, *, certificate: Path, key: Path) -> None:
    """Write both to files; the key is for its owner only and best kept off this machine."""
    write_private(key, _key_pem(authority.key))
    _write_public(certificate, _pem(authority.certificate))


def write_server(
    authority: Authority, names: tuple[str, ...], now: Instant, *, certificate: Path, key: Path
) -> None:
    """Make and write a server certificate for these host names and addresses, and its key."""
    server = ec.generate_private_key(ec.SECP256R1())
    subject, issuer = _named(names[0]), authority.certificate.subject
    signed = (
        _builder(subject, issuer, server.public_key(), now, SERVER_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_host(n) for n in names]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()),
            critical=False,
        )
        .sign(authority.key, hashes.SHA256())
    )
    write_private(key, _key_pem(server))
    _write_public(certificate, _pem(signed))


def read_authority(*, certificate: Path, key: Path) -> Authority:
    """The authority in these files; `ConfigError` if they are not one."""
    found = _read(certificate)
    try:
        private = serialization.load_pem_private_key(key.read_bytes(), password=None)
    except OSError as error:
        raise ConfigError(f"cannot read {key}: {error.strerror}") from error
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{key} holds no key in PEM") from error
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        raise ConfigError(f"{key} holds no key of ours")
    if private.public_key() != found.public_key():
        raise ConfigError(f"{key} is not the key of {certificate}")
    return Authority(found, private)


def names_in(certificate: Path) -> tuple[str, ...]:
    """The host names and addresses that a server certificate is for."""
    extension = _read(certificate).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return tuple(str(name.value) for name in extension.value)


def expires_at(certificate: Path) -> Instant:
    """When the certificate in this PEM file ends; `ConfigError` if there is none."""
    return Instant(int(_read(certificate).not_valid_after_utc.timestamp()))


def _read(certificate: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(certificate.read_bytes())
    except OSError as error:
        raise ConfigError(f"cannot read {certificate}: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"{certificate} holds no certificate") from error


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    now: Instant,
    days: int,
) -> x509.CertificateBuilder:
    begins = datetime.fromtimestamp(now, UTC) - _EARLIER
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=days))
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _host(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _write_public(path: Path, data: bytes) -> None:
    write_private(path, data)
    path.chmod(0o644)
