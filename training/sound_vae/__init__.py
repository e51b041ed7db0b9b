"""A variational autoencoder of sounds, from a folder of recordings to the model that is served.

The data goes one way: files -> `data` -> `fit` (with `model`) -> `serving` -> `quality`.
"""
