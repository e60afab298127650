"""Free TCP ports of the loopback, reserved so that nobody else is given them before their server starts."""

import socket
from contextlib import ExitStack

LOOPBACK = "127.0.0.1"


def free_ports(count: int) -> list[int]:
    """Different ports that a server with SO_REUSEADDR may bind, and the kernel gives to nobody else for 60 s.

    Each is left in TIME_WAIT by a connection to itself: free for who names it, not for who draws by lot.
    """
    with ExitStack() as held:
        return [_reserve(held) for _ in range(count)]


def free_port() -> int:
    return free_ports(1)[0]


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def _reserve(held: ExitStack) -> int:
    server = held.enter_context(socket.socket())
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((LOOPBACK, 0))
    server.listen(1)
    client = held.enter_context(socket.create_connection(server.getsockname()))
    accepted, _ = server.accept()
    accepted.close()  # the side that closes first is the one that waits
    client.recv(1)
    return int(server.getsockname()[1])
