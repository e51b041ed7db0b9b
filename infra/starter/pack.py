"""Pack a model folder as SageMaker does, but reproducibly: the same files give the same bytes.

python infra/starter/pack.py model model.tar.gz
"""

import argparse
import gzip
import io
import sys
import tarfile
from pathlib import Path


def pack(model_dir: Path, archive: Path) -> int:
    """Write the archive and return its size in bytes."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for file in sorted(path for path in model_dir.rglob("*") if path.is_file()):
            entry = tarfile.TarInfo(file.relative_to(model_dir).as_posix())
            entry.size, entry.mode = file.stat().st_size, 0o644
            with file.open("rb") as stream:
                tar.addfile(entry, stream)
    archive.write_bytes(gzip.compress(content.getvalue(), compresslevel=9, mtime=0))
    return archive.stat().st_size


def main(argv: list[str] | None = None) -> int:
    """Pack and say how large it became."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model_dir", type=Path)
    parser.add_argument("archive", type=Path)
    args = parser.parse_args(argv)
    if not (args.model_dir / "1" / "saved_model.pb").is_file():
        print(f"error: {args.model_dir} holds no trained model", file=sys.stderr)
        return 1
    size = pack(args.model_dir, args.archive)
    print(f"{args.archive}: {size / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
