"""Free ports are for who names them, and for nobody else."""

import socket

from jobindex.demo.ports import LOOPBACK, free_port, free_ports, is_free


def test_ports_differ() -> None:
    assert len(set(free_ports(50))) == 50


def test_a_free_port_can_be_bound_at_once() -> None:
    with socket.create_server((LOOPBACK, free_port())) as server:
        assert server.getsockname()[0] == LOOPBACK


def test_a_free_port_is_not_drawn_by_lot() -> None:
    reserved = set(free_ports(200))
    drawn = [socket.create_server((LOOPBACK, 0)) for _ in range(200)]
    numbers = {server.getsockname()[1] for server in drawn}
    for server in drawn:
        server.close()
    assert not reserved & numbers


def test_a_port_with_a_server_is_not_free() -> None:
    port = free_port()
    assert is_free(port)
    with socket.create_server((LOOPBACK, port)):
        assert not is_free(port)
