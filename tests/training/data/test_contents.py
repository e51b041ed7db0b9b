"""Looking at a folder before it is uploaded tells what training will make of it, at once."""

import subprocess
import sys
from pathlib import Path

import sound_vae
from sound_vae.data.contents import read_contents
from sound_vae.data.dataset import read_dataset


def test_it_tells_what_a_training_reads(tones: Path) -> None:
    contents, data = read_contents(tones), read_dataset(tones)
    assert contents.framing.to_json() == data.transform.to_json()
    assert (contents.names, contents.labels) == (data.names, data.labels)
    assert contents.label_ids.tolist() == data.label_ids.tolist()
    assert str(contents.report) == str(data.report)


def test_it_does_not_wait_for_tensorflow(tones: Path) -> None:
    look = (
        "import sys\n"
        "from sound_vae.data.__main__ import main\n"
        "main([sys.argv[1]])\n"
        "sys.exit(bool({'tensorflow', 'keras'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", look, str(tones)]
    place = Path(sound_vae.__file__).parent.parent
    done = subprocess.run(command, cwd=place, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "labels" in done.stdout
