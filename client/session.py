"""What every command has: whom it talks to, and how it tells what came of it."""

import json
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from client.stack import Connection, Stack


@dataclass
class Session:
    """What was chosen before the command's name."""

    connection: Connection = field(default_factory=Connection)
    as_json: bool = False

    @property
    def console(self) -> Console:
        """Where people read; programs read JSON from the standard output."""
        return Console(stderr=self.as_json, highlight=False)

    def stack(self) -> Stack:
        """Find what is deployed."""
        return Stack.find(self.connection)

    def tell(self, result: Any, words: str = "") -> None:
        """Print a result: for programs whole, for people in words."""
        if self.as_json:
            print(json.dumps(result, indent=2, default=str))
        elif words:
            self.console.print(words, soft_wrap=True)

    def progress(self) -> Progress:
        """Make a bar that goes when all is done."""
        return Progress(
            TextColumn("  {task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
        )
