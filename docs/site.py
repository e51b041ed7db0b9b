"""Brings into the site what the pages point at outside docs/: other pages, and source files.

A hook of MkDocs (mkdocs.yml). On GitHub the pages link to the repository's files where they lie;
here those come along below `project/`, so that every link works without the repository.
"""

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

DOCS = Path(__file__).parent
REPOSITORY = DOCS.parent
PROJECT = "project"  # where files from outside docs/ are in the site
LINK = re.compile(r"(\]\()([^)\s#:]+)((?:#[^)\s]*)?\))")


def on_files(files: Files, config: Any) -> Files:
    """Add each file of the repository that a page links to, and those that they link to."""
    files.remove(files.src_uris["site.py"])
    waiting = [DOCS / page.src_uri for page in files.documentation_pages()]
    waiting.append(REPOSITORY / "README.md")
    known = set(waiting)
    while waiting:
        page = waiting.pop()
        if page.suffix != ".md":
            continue
        for _, link, _ in LINK.findall(page.read_text(encoding="utf-8")):
            target = (page.parent / link).resolve()
            if target in known or not target.exists() or not target.is_relative_to(REPOSITORY):
                continue
            known.add(target)
            waiting.append(target)
    for file in sorted(known):
        if not file.is_relative_to(DOCS):
            files.append(_copy(file, config))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Let links of a page lead to where their targets are in the site."""
    here = _source(page.file.src_uri)

    def moved(match: re.Match[str]) -> str:
        target = (here.parent / match[2]).resolve()
        if not target.exists():
            return match[0]  # MkDocs says that it is not there
        link = posixpath.relpath(_uri(target), posixpath.dirname(page.file.src_uri))
        return f"{match[1]}{link}{match[3]}"

    return LINK.sub(moved, markdown)


def _source(uri: str) -> Path:
    """Where a page of the site lies in the repository."""
    outside = uri.removeprefix(f"{PROJECT}/")
    return DOCS / uri if outside == uri else REPOSITORY / outside


def _uri(file: Path) -> str:
    """Where a file of the repository lies in the site; a folder is a list of its files."""
    if file.is_relative_to(DOCS):
        return "README.md" if file == DOCS else file.relative_to(DOCS).as_posix()
    uri = f"{PROJECT}/{file.relative_to(REPOSITORY).as_posix()}"
    return f"{uri}.md" if file.is_dir() else uri


def _copy(file: Path, config: Any) -> File:
    if not file.is_dir():
        return File.generated(config, _uri(file), abs_src_path=str(file))
    inside = [path for path in sorted(file.iterdir()) if path.name[0] not in "._"]
    lines = [f"- `{path.relative_to(REPOSITORY)}`" for path in inside]
    content = f"# {file.relative_to(REPOSITORY)}\n\n" + "\n".join(lines) + "\n"
    return File.generated(config, _uri(file), content=content)
