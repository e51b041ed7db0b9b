"""Who may use the studio: its own page on this machine, and programs of this machine."""

import json

import pytest
import requests

from tests.client.studio.conftest import Studio

SECONDS = 10


def status(studio: Studio, path: str, method: str = "GET", **headers: str) -> int:
    kind = {"Content-Type": "application/json"} if method == "POST" else {}
    answer = requests.request(
        method, studio.url + path, headers={**kind, **headers}, data="{}", timeout=SECONDS
    )
    if answer.status_code == 403:
        assert set(json.loads(answer.content)) == {"error"}
    return answer.status_code


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8320", "localhost", "127.0.0.1:1"])
def test_a_name_that_points_here_is_not_the_studios(studio: Studio, host: str) -> None:
    assert status(studio, "", Host=host) == 403
    assert status(studio, "api/sounds", "POST", Host=host) == 403


def test_both_names_of_this_machine_are(studio: Studio) -> None:
    port = studio.url.rstrip("/").rpartition(":")[2]
    for host in (f"127.0.0.1:{port}", f"localhost:{port}"):
        assert status(studio, "", Host=host) == 200
        assert status(studio, "api/sounds", "POST", Host=host, Origin=f"http://{host}") == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
    ],
    ids=str,
)
def test_another_sites_page_makes_no_sounds(studio: Studio, headers: dict[str, str]) -> None:
    assert status(studio, "api/sounds", "POST", **headers) == 403
    assert not studio.runtime.requests


def test_another_sites_page_reads_nothing(studio: Studio) -> None:
    assert status(studio, "api/runs", **{"Sec-Fetch-Site": "cross-site"}) == 403
    assert status(studio, "", **{"Sec-Fetch-Site": "cross-site"}) == 200, "a link to it may be"


@pytest.mark.parametrize("path", ["", "studio.js", "api/model", "api/nothing", "nothing"])
def test_every_answer_tells_the_browser_to_load_nothing_from_elsewhere(
    studio: Studio, path: str
) -> None:
    headers = requests.get(studio.url + path, timeout=SECONDS).headers
    policy = dict(
        part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert {policy[f"{kind}-src"] for kind in ("script", "style", "connect", "img")} == {"'self'"}
    assert headers["X-Content-Type-Options"] == "nosniff"
