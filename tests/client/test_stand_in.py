import json
import socket
from pathlib import Path

import psutil
import pytest

from client import stand_in
from client.failure import Failure
from client.stack import Connection


def test_a_second_up_finds_the_first(home: Path) -> None:
    url, new = stand_in.up(folder=home)
    assert not new
    assert url == stand_in.environment(home)["AWS_ENDPOINT_URL"]


def test_commands_that_follow_talk_to_it(connection: Connection) -> None:
    assert connection.client("sts").get_caller_identity()["Account"] == "123456789012"
    assert connection.session.region_name == "us-east-1"


def test_a_process_that_only_has_its_number_is_not_the_stand_in(tmp_path: Path) -> None:
    other = psutil.Process()
    state = {"pid": other.pid, "started": other.create_time() - 60, "environment": {}}
    (tmp_path / "state.json").write_text(json.dumps(state))
    with pytest.raises(Failure, match="not running: start it with `soundvae up`"):
        stand_in.environment(tmp_path)
    assert not stand_in.down(tmp_path)
    assert other.is_running()


def test_a_broken_note_is_no_stand_in(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text("{")
    with pytest.raises(Failure, match="not running"):
        stand_in.use(tmp_path)


def test_a_port_that_was_asked_for_and_is_busy_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        with pytest.raises(Failure, match=f"^Port {port} is in use"):
            stand_in.up(port, tmp_path)
