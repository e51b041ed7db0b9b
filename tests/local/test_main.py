"""`python -m local`."""

import subprocess
import sys

from tests.local.deployment import REPOSITORY, Client


def test_a_port_in_use_is_one_sentence(client: Client) -> None:
    taken = int(client("s3").meta.endpoint_url.rpartition(":")[2])
    command = [sys.executable, "-m", "local", "--port", str(taken)]
    refused = subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=60
    )
    assert refused.returncode == 1
    assert refused.stderr.strip().startswith(f"Port {taken} is in use: choose another")
