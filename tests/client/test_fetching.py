"""Downloads from a server on this machine that can be cut short."""

import hashlib
import io
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from client.failure import Failure
from client.fetching import Source, fetch

FILES = {
    f"{digit}_ann_{take}.wav": bytes([digit, take]) * 40_000 for digit in (0, 7) for take in (0, 1)
}


def archive() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz", compresslevel=0) as tar:
        for name, content in {"README.md": b"x", **FILES}.items():
            folder = "" if name == "README.md" else "recordings/"
            entry = tarfile.TarInfo(f"fsdd-1/{folder}{name}")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return file.getvalue()


CONTENT = archive()
LINES = "".join(f"{hashlib.sha256(FILES[n]).hexdigest()}  {n}\n" for n in sorted(FILES))
DIGEST = hashlib.sha256(LINES.encode()).hexdigest()


class Server(ThreadingHTTPServer):
    cut_after: int | None = None  # bytes of the next answer
    ranges = True
    content = CONTENT
    asked: list[str | None]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.asked.append(wanted)
        start = (
            int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.server.ranges else 0
        )
        if self.path == "/gone":
            self.send_error(404)
            return
        rest = self.server.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        cut, self.server.cut_after = self.server.cut_after, None
        self.wfile.write(rest[:cut])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server(("127.0.0.1", 0), Handler)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def source(server: Server, path: str = "/fsdd.tar.gz") -> Source:
    return Source(f"http://127.0.0.1:{server.server_port}{path}", DIGEST)


def test_every_word_has_a_folder(server: Server, tmp_path: Path) -> None:
    *_, (there, total) = fetch(tmp_path / "digits", source(server))
    assert there == total == len(CONTENT)
    found = {p.relative_to(tmp_path).as_posix(): p.read_bytes() for p in tmp_path.rglob("*.wav")}
    assert found == {
        f"digits/{word}/{digit}_ann_{take}.wav": FILES[f"{digit}_ann_{take}.wav"]
        for digit, word in ((0, "zero"), (7, "seven"))
        for take in (0, 1)
    }
    assert [p.name for p in tmp_path.iterdir()] == ["digits"], "nothing is left beside it"


@pytest.mark.parametrize("ranges", [True, False])
def test_a_download_that_was_cut_short_goes_on(
    server: Server, tmp_path: Path, ranges: bool
) -> None:
    server.cut_after, server.ranges = 100_000, ranges
    with pytest.raises(Failure, match=r"stopped after 0\.1 .*goes on from there"):
        list(fetch(tmp_path / "digits", source(server)))
    assert not (tmp_path / "digits").exists()
    list(fetch(tmp_path / "digits", source(server)))
    assert server.asked == [None, "bytes=65536-"], "what had arrived in whole blocks"
    assert len(list((tmp_path / "digits").rglob("*.wav"))) == 4


def test_other_content_is_refused_and_not_kept(server: Server, tmp_path: Path) -> None:
    server.content = CONTENT.replace(bytes([7, 1]) * 100, bytes([7, 2]) * 100)
    with pytest.raises(Failure, match=r"holds other recordings|is damaged"):
        list(fetch(tmp_path / "digits", source(server)))
    assert list(tmp_path.iterdir()) == []


def test_what_the_server_lacks_and_where_none_is_are_one_sentence(
    server: Server, tmp_path: Path
) -> None:
    with pytest.raises(Failure, match="answers with 404"):
        list(fetch(tmp_path / "digits", source(server, "/gone")))
    nobody = Source("http://127.0.0.1:9/x.tar.gz", DIGEST)
    with pytest.raises(Failure, match=r"127\.0\.0\.1:9 could not be reached"):
        list(fetch(tmp_path / "digits", nobody))


def test_a_folder_that_is_there_stays(server: Server, tmp_path: Path) -> None:
    with pytest.raises(Failure, match="exists already: remove it, or choose another folder"):
        list(fetch(tmp_path, source(server)))
    assert not server.asked
