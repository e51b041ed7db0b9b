"""Tests; a package, as one that is installed brings a package of the same name."""
