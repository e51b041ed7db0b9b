"""A result that several questions share: computed once; if that fails, it fails for them all."""

from collections.abc import Callable
from typing import Generic, TypeVar

from smoke.answers import NotAnsweredError

T = TypeVar("T")


class Once(Generic[T]):
    """Calls `gather` when the result is needed first."""

    def __init__(self, gather: Callable[[], T]) -> None:
        self._gather = gather
        self._found: list[T] = []
        self._reason = ""

    def __call__(self) -> T:
        """Return the result; raises `NotAnsweredError` at every call if computing it failed."""
        if self._reason:
            raise NotAnsweredError(self._reason)
        if not self._found:
            try:
                self._found.append(self._gather())
            except Exception as error:
                self._reason = str(error) or type(error).__name__
                raise NotAnsweredError(self._reason) from error
        return self._found[0]
