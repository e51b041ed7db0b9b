"""What is installed, under which licences, and what the repository must not hold."""

import json
import re
import subprocess
import sys
from pathlib import Path

from trust import ROOT
from trust.licences import COPYLEFT, PAGE, normal
from trust.promise import Promise

LOCKS = ("constraints.txt", "training/requirements.txt", "local/serving-image-lock.txt")
ASKED = ("requirements.txt", "requirements-dev.txt", "training/requirements.in")
IMAGES = ("local/training-image.txt", "local/serving-image.txt")
AUDIT_SECONDS = 120
PINNED = re.compile(r"^([a-z0-9._-]+)(?:\[[a-z0-9,]+\])?==([0-9][^ ;]*)", re.IGNORECASE)

SECRETS = (  # kinds that detect-secrets knows, without its guesses by entropy
    *("ArtifactoryDetector", "AWSKeyDetector", "AzureStorageKeyDetector", "BasicAuthDetector"),
    *("DiscordBotTokenDetector", "GitHubTokenDetector", "GitLabTokenDetector", "JwtTokenDetector"),
    *("KeywordDetector", "NpmDetector", "OpenAIDetector", "PrivateKeyDetector"),
    *("PypiTokenDetector", "SendGridDetector", "SlackDetector", "StripeDetector"),
    *("TelegramBotTokenDetector", "TwilioKeyDetector"),
)
NO_SECRETS = {
    "local/aws_environment.py": "the stand-in's credentials, which no account has",
    "tests/smoke/test_smoke.py": "made-up credentials",
}
MADE_UP_ACCOUNTS = {"111122223333", "123456789012", "210987654321", "444455556666"}
AWS_REGISTRIES = {  # accounts of AWS's, from which images are pulled
    *("442386744353", "692866216735", "727897471807", "763104351884", "871362719292"),
    "914824155844",
}
ACCOUNT = re.compile(r"(?<![0-9A-Za-z._-])[0-9]{12}(?![0-9A-Za-z._-])")
MACHINE_PATH = re.compile(r"(?<![\w.:/-])/(?:home|Users|work)/[a-z]\w*/|(?<![\w./-])/root/")
BINARY = {".gz", ".png"}


def entries(lock: str) -> dict[str, str]:
    """Return the entries of a lock file by package: its line and those of its hashes."""
    text = (ROOT / lock).read_text().replace("\\\n", " ")
    lines = (line for line in text.splitlines() if PINNED.match(line))
    return {normal(line.partition("==")[0]): line for line in lines}


def hashed(_: int) -> str:
    """Look at each line that is installed from."""
    count = 0
    for lock in LOCKS:
        for name, entry in entries(lock).items():
            assert "--hash=sha256:" in entry, f"{lock}: {name} has no hash: run make lock"
            count += 1
    every = entries("constraints.txt")
    for file in (*ASKED, *IMAGES):
        known = entries("local/serving-image-lock.txt") if "serving" in file else every
        for line in (ROOT / file).read_text().splitlines():
            if line and not line.startswith(("#", "-")):
                asked = PINNED.match(line)
                assert asked, f"{file}: {line} is not pinned"
                locked = PINNED.match(known.get(normal(asked[1]), "x==0"))
                assert (locked or [""] * 3)[2] == asked[2], f"{file}: {line} is not in its lock"
    install = (ROOT / "Makefile").read_text()
    assert "pip install --require-hashes" in install
    assert len(re.findall(r"\(INSTALL\)", install)) == 3
    modules = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    for name, module in modules.items():
        assert not name or module["integrity"], f"package-lock.json: {name} has no integrity"
        count += bool(name)
    return f"{count} of {count} entries have hashes"


def licensed(_: int) -> str:
    """Look up each package of the locks that is installed here in docs/licences.md."""
    rows = [line.split(" | ") for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    listed = {name.removeprefix("| "): licence for name, licence, _ in rows[2:]}
    elsewhere = re.compile(
        r"sys_platform == '(win32|darwin|emscripten)'|python_full_version >= '3\.1[2-9]"
    )
    for lock in LOCKS:
        for name, entry in entries(lock).items():
            if ";" not in entry:  # for every platform and Python
                assert name in listed, f"docs/licences.md lacks {name}: run make lock"
            else:
                assert name in listed or elsewhere.search(entry), f"docs/licences.md lacks {name}"
    for name, licence in listed.items():
        assert licence not in ("", "UNKNOWN", "License"), f"{name}: its licence is not known"
        if "GPL" in licence:
            assert name in COPYLEFT, f"{name} is under {licence}: say why that is no trouble"
    return f"{len(listed)} packages, all with their licence; {len(COPYLEFT)} of the GPL family"


def audited(_: int) -> str:
    """Ask PyPI's database of vulnerabilities about the locks, as far as it can be reached."""
    tool = Path(sys.executable).with_name("pip-audit")
    options = ["--disable-pip", "--no-deps", "--progress-spinner", "off", "--timeout", "5"]
    looked_up, missed, vulnerable = 0, 0, []
    for lock in LOCKS[1:]:  # what runs in jobs and endpoints; a release has all of constraints.txt
        command = [str(tool), *options, "-f", "json", "-r", str(ROOT / lock)]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, timeout=AUDIT_SECONDS
            )
            found = json.loads(done.stdout)["dependencies"]
        except (subprocess.TimeoutExpired, ValueError):
            return "the database of vulnerabilities was not within reach"
        for package in found:
            if "skip_reason" in package:
                missed += 1
                continue
            looked_up += 1
            vulnerable += [f"{package['name']}: {v['id']}" for v in package["vulns"]]
    assert not vulnerable, f"known vulnerabilities: {', '.join(vulnerable)}"
    if not looked_up:
        return f"the database of vulnerabilities, asked for {missed} packages, was not within reach"
    return f"no known vulnerability in {looked_up} packages; {missed} could not be looked up"


def clean(_: int) -> str:
    """Look into every file of the repository."""
    from detect_secrets import SecretsCollection
    from detect_secrets.settings import transient_settings

    listed = subprocess.run(
        ["git", "ls-files", "-z"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    files = [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    texts = [
        n for n in files if Path(n).suffix not in BINARY and n not in (*LOCKS, "package-lock.json")
    ]
    secrets = SecretsCollection(root=str(ROOT))
    with transient_settings({"plugins_used": [{"name": kind} for kind in SECRETS]}):
        for name in texts:
            secrets.scan_file(name)
    for name, secret in secrets:
        assert name in NO_SECRETS, f"{name}:{secret.line_number} looks like a {secret.type}"
    this = Path(__file__).relative_to(ROOT).as_posix()
    for name in texts:
        text = (ROOT / name).read_text(encoding="utf-8", errors="replace")
        for account in set(ACCOUNT.findall(text)) - MADE_UP_ACCOUNTS - AWS_REGISTRIES:
            raise AssertionError(f"{name} names the account {account}")
        if path := (name != this and MACHINE_PATH.search(text)):
            raise AssertionError(f"{name} holds the machine's path {path[0]}")
    return f"{len(texts)} of {len(files)} files: no secret, account or machine path"


PROMISES = [
    Promise(
        "All that is installed is pinned, and checked against its hash",
        "every entry of the lock files, and the Makefile's commands",
        1,
        hashed,
    ),
    Promise(
        "The licence of every package is known and listed",
        "docs/licences.md against the lock files",
        1,
        licensed,
    ),
    Promise(
        "No package of a job or an endpoint has a known vulnerability",
        "pip-audit",
        1,
        audited,
    ),
    Promise(
        "The repository holds no secret, no account and no path of a machine",
        "detect-secrets and two patterns over every file that git knows",
        1,
        clean,
    ),
]
