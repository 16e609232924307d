"""`enforcer certificate`: another certificate for the server, before the present one ends."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

import msgspec

from enforcer import certificates, home
from enforcer.cli import configured, show
from enforcer.clock import wall_clock
from retention.calendar import iso


class Renewed(msgspec.Struct, frozen=True):
    """A certificate: where it is, until when it is good, and for which names."""

    file: str
    until: str
    names: tuple[str, ...]


def declare(parser: ArgumentParser) -> None:
    """Add the options of `certificate`."""
    configured.declare(parser)
    parser.add_argument(
        "--authority",
        type=Path,
        required=True,
        metavar="DIR",
        help="where authority.pem and authority.key are",
    )
    parser.add_argument(
        "--host", action="append", metavar="NAME", help="once for each [those of the present one]"
    )
    show.declare(parser)
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    """Put the present certificate and key aside, and write others."""
    settings = configured.settings(arguments)
    certificate, key = settings.tls_certificate, settings.tls_key
    names = tuple(arguments.host or certificates.names_in(certificate))
    authority = certificates.read_authority(
        certificate=arguments.authority / "authority.pem",
        key=arguments.authority / "authority.key",
    )
    for path in (certificate, key):
        path.rename(path.with_name(f"{path.name}.old"))
    certificates.write_server(authority, names, wall_clock(), certificate=certificate, key=key)
    expires = certificates.expires_at(certificate)
    if arguments.json:
        show.as_json(Renewed(str(certificate), iso(expires, home.ZONE), names))
        return 0
    until = show.moment(expires)
    print(f"{certificate} is good until {until}, for {', '.join(names)}. Restart the enforcer.")
    return 0
