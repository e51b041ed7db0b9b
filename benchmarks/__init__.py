"""Side by side with the reference architecture and the plain way of doing things, in one run."""
