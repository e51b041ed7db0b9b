"""Ports, of which no two stand-ins get the same."""

import socket

import pytest

from local import server


def test_stand_ins_that_start_at_once_get_a_port_each(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server((server.HOST, 0)) as busy:
        first = busy.getsockname()[1]
        monkeypatch.setattr(server, "FIRST_PORT", first)
        with server._listen(None) as one, server._listen(None) as other:
            ports = [first, one.getsockname()[1], other.getsockname()[1]]
    assert ports == sorted(set(ports))


def test_no_free_port_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server((server.HOST, 0)) as busy:
        port = busy.getsockname()[1]
        monkeypatch.setattr(server, "FIRST_PORT", port)
        monkeypatch.setattr(server, "PORTS", 1)
        with pytest.raises(server.PortInUseError, match=f"^No port from {port} to {port} is free"):
            server._listen(None)
