"""`python -m client` is `soundvae`."""

from client.app import main

main()
