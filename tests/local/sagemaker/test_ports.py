"""A port that was chosen stays free until the program listens there."""

import socket
from pathlib import Path

import pytest

from local.sagemaker import ports
from local.sagemaker.ports import free_ports


def test_nobody_who_connects_is_given_one_of_them() -> None:
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text("ascii").split()[0])
    chosen = free_ports(4)
    assert len(set(chosen)) == 4
    assert max(chosen) < first


def test_ports_that_are_taken_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    (taken, free) = free_ports(2)
    monkeypatch.setattr(ports, "PORTS", [taken, free])
    with socket.create_server(("127.0.0.1", taken)):
        assert free_ports(1) == [free]
        with pytest.raises(OSError, match="fewer than 2 of the ports"):
            free_ports(2)
