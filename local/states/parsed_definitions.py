"""Parses a definition once; moto does so for every execution, a second for a long one."""

import copy
from functools import lru_cache
from typing import Any

from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser

_parse = lru_cache(maxsize=32)(AmazonStateLanguageParser.parse)


def _parsed(definition: str) -> tuple[Any, Any]:
    """Return a program of one's own, as running it changes it, and the syntax tree."""
    program, tree = _parse(definition)
    return copy.deepcopy(program), tree


def install() -> None:
    """Replace moto's parser with this."""
    AmazonStateLanguageParser.parse = staticmethod(_parsed)
