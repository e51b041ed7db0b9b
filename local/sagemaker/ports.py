"""Ports for programs that are told one, and listen there only once they have started.

Until then the kernel could give the same port to anybody who connects to something. It takes those
from 32,768 on (Linux's net.ipv4.ip_local_port_range), so these lie below.
"""

import secrets
import socket

PORTS = range(20_000, 32_000)


def free_ports(count: int) -> list[int]:
    """Choose ports that nobody listens on; raises OSError when there are not so many."""
    found: list[int] = []
    for port in secrets.SystemRandom().sample(PORTS, len(PORTS)):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise OSError(f"fewer than {count} of the ports {PORTS[0]} to {PORTS[-1]} are free")
