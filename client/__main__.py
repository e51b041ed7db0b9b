"""`python -m client` is `soundvae`."""

import sys

try:
    from client.app import main
except ImportError as error:
    sys.exit(
        f"{error.name} is not what it must be for {sys.executable}: run `make synth` once, "
        "which sets .venv up, then `. .venv/bin/activate`."
    )

main()
