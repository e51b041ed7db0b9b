"""What the pages point at is there, and the sentences that they explain are said."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
PAGES = sorted(
    page.relative_to(REPOSITORY).as_posix()
    for page in [
        *REPOSITORY.glob("*.md"),
        *REPOSITORY.glob("docs/*.md"),
        *REPOSITORY.glob("infra/*/*.md"),
    ]
)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
SOURCES = ("infra", "training", "client", "demo", "local")


def anchors(page: Path) -> set[str]:
    """The headings of a page as GitHub writes them behind `#`."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_to_something_that_is_there(page: str) -> None:
    file = REPOSITORY / page
    for link in LINK.findall(file.read_text(encoding="utf-8")):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (file.parent / path).resolve() if path else file
        assert target.exists(), f"{link}: there is no {path}"
        if anchor:
            assert anchor in anchors(target), f"{link}: no such heading"


def test_the_site_builds_and_none_of_its_links_leads_nowhere(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    quietly = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(
        command, cwd=REPOSITORY, env=quietly, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "model.html").read_text(encoding="utf-8")
    (source,) = set(re.findall(r'href="([^"]*/vocoder\.py)"', page))
    assert (tmp_path / source).resolve().is_file()
    assert (tmp_path / "project" / "index.html").is_file()


def test_the_index_lists_every_page() -> None:
    listed = set(LINK.findall((REPOSITORY / "docs/README.md").read_text(encoding="utf-8")))
    pages = {page.name for page in (REPOSITORY / "docs").glob("*.md")} - {"README.md"}
    assert pages <= listed


def said() -> str:
    """All that the program says, with the pieces of its sentences put together."""
    files = [REPOSITORY / "Makefile"]
    for folder in SOURCES:
        for kind in ("py", "jsonata", "yaml"):
            files += (REPOSITORY / folder).rglob(f"*.{kind}")
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    text = text.replace("{KEY}", "sound-vae:")
    return re.sub(r"""["'][ \n]*(& *f?|f)? *["']""", "", text)  # "one " "sentence"


def is_said(part: str, everything: str, pieces: int = 3) -> bool:
    """Whether it is said in one piece, or put together from a few, as `failed: ` and a reason."""
    if part in everything:
        return True
    words = part.split(" ")
    cuts = ((" ".join(words[:n]), " ".join(words[n:])) for n in range(1, len(words)))
    return pieces > 1 and any(
        first in everything and is_said(rest, everything, pieces - 1) for first, rest in cuts
    )


def test_every_sentence_that_is_explained_is_one_that_the_program_says() -> None:
    page = (REPOSITORY / "docs/troubleshooting.md").read_text(encoding="utf-8")
    cells = re.findall(r"^\| (`.+?) \| ", page, re.MULTILINE)
    parts = [
        part.strip(" ,;:().")
        for sentence in re.findall(r"`([^`]+)`", "\n".join(cells))
        for part in sentence.split("…")
    ]
    assert len(parts) > 70
    everything = said()
    assert [part for part in parts if not is_said(part, everything)] == []
    assert not is_said("the endpoint has caught a cold and sings out of tune", everything)
