"""What runs in front of the served graph, in SageMaker's serving container.

The container puts the archive's `code/` on Python's path and loads `code/inference.py`; these
modules lie beside it as `code/sound_vae/serving/container/`. They need Python's own library, falcon
and requests, and nothing else.
"""
