"""AWS's dialect of S3, as `moto` speaks it: a mock that listens on loopback, in this process."""

import itertools
import logging

from moto.server import ThreadedMotoServer
from rgw import Gateway


class Moto(Gateway):
    def __init__(self) -> None:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._numbers = itertools.count(1)
        self._server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)

    def start(self) -> None:
        self._server.start()
        host, port = self._server.get_host_and_port()
        self.endpoint = f"http://{host}:{port}"

    def stop(self) -> None:
        self._server.stop()
        self._server._server.server_close()
