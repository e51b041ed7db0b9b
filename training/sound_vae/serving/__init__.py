"""The folder that an endpoint serves: writing it, reading it, and answering requests with it."""
