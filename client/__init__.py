"""`soundvae`: a deployed stack and its endpoint from the command line, through AWS's own APIs."""
