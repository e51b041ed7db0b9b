"""Hides TensorFlow from the toolkit, which imports it for the names of its exceptions."""

raise ImportError("a quick job does without TensorFlow")
