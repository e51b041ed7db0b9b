"""`soundvae studio`: a page on this machine to hear what the endpoint makes, and what it learns."""
