"""A sample pack: sounds of each label as WAV files, with an SFZ for samplers and all seeds.

    pack/
      pack.json        model, seeds and temperature: what makes the same sounds again
      kick/000.wav …   one folder for each label
      pack.sfz         a key for each label, from C2 on; repeated notes play its sounds in turns

What is there already is not asked for again, so a pack that was cut short is finished by the same
command.
"""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from client.endpoint import sample
from client.failure import Failure
from client.stack import Stack

FIRST_KEY, LAST_KEY = 36, 127  # MIDI: from C2 on, where drum machines begin
AT_ONCE = 4  # requests; fewer than the endpoint's default concurrency
STEP = 16  # sounds that are written together


def make(
    stack: Stack,
    folder: Path,
    labels: list[str],
    *,
    count: int,
    seed: int,
    temperature: float | None,
    model: str,
) -> Iterator[int]:
    """Write the pack; yields how many sounds were written, or found, as it goes on.

    Raises `Failure` when the folder holds another pack.
    """
    plan = {"model": model, "labels": labels, "count": count, "seed": seed}
    plan |= {"temperature": temperature} if temperature is not None else {}
    _begin(folder, plan)
    missing = []
    for label, name in folder_names(labels).items():
        place = folder / name
        place.mkdir(exist_ok=True)
        for start in range(0, count, STEP):
            numbers = range(start, min(start + STEP, count))
            lacking = [n for n in numbers if not (place / _file(n)).exists()]
            yield len(numbers) - len(lacking)
            if lacking:
                missing.append((label, place, lacking))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        asked = [
            pool.submit(_write, stack, place, label, numbers, seed, temperature)
            for label, place, numbers in missing
        ]
        try:
            for done in as_completed(asked):
                yield done.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
    (folder / "pack.sfz").write_text(sfz(labels, count), encoding="utf-8")


def sfz(labels: list[str], count: int) -> str:
    """Write the instrument; the format is described at sfzformat.com."""
    lines = ["// every label has a key of its own; repeated notes take turns"]
    for key, name in enumerate(folder_names(labels).values(), FIRST_KEY):
        if key > LAST_KEY:
            lines.append("// there are no keys for the other labels")
            break
        lines.append(f"<group> key={key} seq_length={count} loop_mode=one_shot")
        for number in range(count):
            lines.append(f"<region> sample={name}/{_file(number)} seq_position={number + 1}")
    return "\n".join(lines) + "\n"


def folder_names(labels: list[str]) -> dict[str, str]:
    """Name a folder for each label, on every system and in an SFZ, and no two alike."""
    names: dict[str, str] = {}
    for label in labels:
        kept = "".join(c if c.isalnum() or c in " -_.#" else "-" for c in label).strip(" .")
        name, number = kept or "unnamed", 2
        while name.casefold() in {other.casefold() for other in names.values()}:
            name, number = f"{kept or 'unnamed'}-{number}", number + 1
        names[label] = name
    return names


def _begin(folder: Path, plan: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "pack.json"
    if file.exists():
        try:
            found = json.loads(file.read_text())
        except ValueError:
            found = None
        if found != plan:
            raise Failure(
                f"{folder} holds another pack: choose a new folder with -o, or remove this one."
            )
    elif any(folder.iterdir()):
        raise Failure(f"{folder} holds other files: choose a new folder with -o.")
    file.write_text(json.dumps(plan, indent=2) + "\n")


def _write(
    stack: Stack,
    place: Path,
    label: str,
    numbers: list[int],
    seed: int,
    temperature: float | None,
) -> int:
    first, wanted = numbers[0], set(numbers)
    sounds = sample(stack, [label], numbers[-1] - first + 1, seed + first, temperature)
    for number, sound in enumerate(sounds, first):
        if number in wanted:
            unfinished = place / f".{_file(number)}.unfinished"
            unfinished.write_bytes(sound.wav)
            unfinished.replace(place / _file(number))
    return len(wanted)


def _file(number: int) -> str:
    return f"{number:03}.wav"
