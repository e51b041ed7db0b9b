"""The training toolkit's entry point, on a machine that stands for several.

On AWS each host has an address, and the toolkit writes the same port for all into TF_CONFIG. Here
all have one address, so each host gets a port of its own, which HOST_PORTS says by its name. The
rest is the toolkit's. This runs with the packages of a job, and so knows nothing of `local`.
"""

import json
import os
from typing import Any

from sagemaker_tensorflow_container import training  # type: ignore[import-not-found]

HOST_PORTS = "SOUND_VAE_HOST_PORTS"


def main() -> None:
    """Run the toolkit."""
    ports = json.loads(os.environ[HOST_PORTS])
    build = training._build_tf_config_for_mwms

    def build_for_this_machine(hosts: list[str], current_host: str) -> dict[str, Any]:
        config: dict[str, Any] = build(hosts, current_host)
        names = [address.rpartition(":")[0] for address in config["cluster"]["worker"]]
        config["cluster"]["worker"] = [f"127.0.0.1:{ports[name]}" for name in names]
        return config

    training._build_tf_config_for_mwms = build_for_this_machine
    training.main()
