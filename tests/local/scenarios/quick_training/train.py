"""In the place of the real train.py: no TensorFlow, the starter's model, and figures as ordered.

`orders.json` beside the sounds may hold figures such as `val_loss`, `comparison` and `data` as the
summary has them, `epoch_seconds`, `mistake`, a sentence to fail with, and `no_summary`.
"""

import json
import os
import sys
import tarfile
import time
from pathlib import Path
from typing import Any

base = Path(os.environ["SAGEMAKER_BASE_DIR"])
sounds = Path(os.environ["SM_CHANNEL_DATA"])
orders: dict[str, Any] = {"val_loss": 1.0, "served_val_loss": 2.0}
if (sounds / "orders.json").exists():
    orders |= json.loads((sounds / "orders.json").read_text())
if "mistake" in orders:
    (base / "output" / "failure").write_text(orders["mistake"])
    sys.exit(f"error: {orders['mistake']}")

epochs = int(json.loads(os.environ["SM_HPS"]).get("epochs", 2))
checkpoints = base / "checkpoints"
before = max((int(file.stem) for file in checkpoints.glob("*.done")), default=0)
print(f"resumes_after={before}")
for epoch in range(before + 1, epochs + 1):
    time.sleep(orders.get("epoch_seconds", 0))
    part = checkpoints / f"{epoch}.part"
    part.write_text("what was learned")
    part.rename(checkpoints / f"{epoch}.done")
    (checkpoints / f"{epoch - 1}.done").unlink(missing_ok=True)
    print(f"figures: epoch={epoch} val_loss={orders['val_loss']} seconds=0.1")
if "SM_CHANNEL_START" in os.environ:
    with tarfile.open(Path(os.environ["SM_CHANNEL_START"], "model.tar.gz")) as model:
        print(f"starts_from={sorted(model.getnames())[0]}")
comparison = None
if "SM_CHANNEL_SERVED" in os.environ:
    assert Path(os.environ["SM_CHANNEL_SERVED"], "model.tar.gz").exists()
    comparison = orders.get("comparison", {"comparable": True, "why": ""})
if "SM_CHANNEL_MANIFEST" in os.environ:
    parts = sorted(Path(os.environ["SM_CHANNEL_MANIFEST"], "parts").glob("*.jsonl"))
    shards = sorted(sounds.glob("*.tfrecord"))
    print(f"shards={len(shards)} parts={len(parts)}")
names = ("val_loss", "val_accuracy", "served_val_loss", "served_val_accuracy")
summary = {
    "figures": {name: orders[name] for name in names if name in orders},
    "comparison": comparison,
    "data": orders.get("data", {"files": 1, "clips": 1, "warnings": []}),
}
if not orders.get("no_summary"):
    part = checkpoints / "summary.part"
    part.write_text(json.dumps(summary))
    part.rename(checkpoints / "summary.json")
Path(os.environ["SM_OUTPUT_DATA_DIR"], "report.txt").write_text("what came of it")
with tarfile.open(Path(__file__).parent / "model.tar.gz") as model:
    model.extractall(os.environ["SM_MODEL_DIR"], filter="data")
