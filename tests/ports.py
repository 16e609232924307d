"""Ports of loopback for servers that have to be told theirs before they start."""

import socket


def free_port() -> int:
    """A port that nobody else is given as long as the tests run.

    It stays bound without listening: the kernel then chooses it for no other socket, and lets a server
    that says SO_REUSEADDR listen there, as every one here does. Until it does, nobody answers.
    """
    kept = socket.socket()
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    kept.bind(("127.0.0.1", 0))
    port = int(kept.getsockname()[1])
    kept.detach()  # open until this process ends
    return port
