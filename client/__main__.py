"""`python -m client` is `soundvae`."""

import sys

try:
    from client.app import main
except ImportError as error:
    if (error.name or "").partition(".")[0] == "client":
        raise
    sys.exit(
        f"{error.name} is missing or too old for {sys.executable}: run `make synth` once, "
        "which sets .venv up, then `. .venv/bin/activate`."
    )

main()
