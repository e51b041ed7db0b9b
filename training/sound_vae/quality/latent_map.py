"""map.json: the training clips' places in latent space, and where they lie on a map of it.

    {"labels": ["seven", ...],
     "points": [{"x": 0.31, "y": -0.8, "label": 0, "name": "seven/3.wav", "z": [0.127, ...]}, ...]}

x and y lie in -1..1; `label` is an index into `labels`, null for a clip without one; `name` is its
file below the data folder; z is the mean of its posterior, which the endpoint turns back into a
sound. At most `MOST_POINTS` clips are drawn, fewer when z is long.

The projection is t-SNE: van der Maaten and Hinton, "Visualizing data using t-SNE" (2008). Of 2,000
spoken digits with 40 dimensions each, so many of a point's ten neighbours have its label, and so
many are its neighbours in latent space, too; in seconds of one core:

    in latent space itself    0.95
    principal components      0.36   0.09    0.1
    linear discriminants      0.60   0.06    0.1
    nearest-neighbour graph   0.69   0.14    3     SpectralEmbedding
    discriminant neighbours   0.78   0.09    8     NeighborhoodComponentsAnalysis
    t-SNE as it is here       0.96   0.73    4

Distances across the map mean little: what lies together sounds alike.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.manifold import TSNE  # type: ignore[import-untyped]
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from sound_vae.data.contents import NO_LABEL
from sound_vae.data.dataset import Dataset
from sound_vae.data.streaming import subsample

FILE = "map.json"  # in a model folder
MOST_POINTS = 2_000
MOST_VALUES = 400_000  # of all z: 3 MB of JSON
Z_DECIMALS, MAP_DECIMALS = 3, 4
NEIGHBOURS = 15  # perplexity: about how many clips a clip is kept beside
ROUNDS = 400  # of gradient descent; those of its default, 1,000, move little more
ANGLE = 0.8  # of the Barnes-Hut approximation; its default, 0.5, is finer and slower
FEWEST_POINTS = 6  # that have neighbours to speak of


def write_map(folder: Path, means: np.ndarray, clips: Dataset, seed: int) -> None:
    """Write the file for clips whose posterior means are (clips, latent_dim).

    The same means and seed give the same file. Raises OSError.
    """
    content = latent_map(means, clips, seed)
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n"
    (folder / FILE).write_text(text, encoding="utf-8")


def latent_map(means: np.ndarray, clips: Dataset, seed: int) -> dict[str, Any]:
    """Return the file's content."""
    most = min(MOST_POINTS, max(MOST_VALUES // means.shape[1], 1))
    chosen = subsample(np.arange(len(means)), most, seed)
    z = means[chosen].astype(np.float64)
    points = [
        {
            "x": round(float(x), MAP_DECIMALS),
            "y": round(float(y), MAP_DECIMALS),
            "label": None if label == NO_LABEL else int(label),
            "name": clips.names[clip],
            "z": [round(float(value), Z_DECIMALS) for value in vector],
        }
        for clip, label, vector, (x, y) in zip(
            chosen, clips.label_ids[chosen], z, project(z, seed), strict=True
        )
    ]
    return {"labels": clips.labels, "points": points}


def project(z: np.ndarray, seed: int) -> np.ndarray:
    """Bring (points, d) to a plane: (points, 2) in -1..1, neighbours beside each other.

    Two dimensions stay as they are, and so few points that they have no neighbours, or points that
    are all the same, are laid out along their principal components.
    """
    centred = z - z.mean(axis=0)
    plane = centred
    if z.shape[1] > 2:
        plane = _principal(centred)
        if len(z) >= FEWEST_POINTS and np.ptp(plane[:, 0]) > 1e-6:
            plane = _neighbourly(centred, plane, seed)
    middle = (plane.max(axis=0) + plane.min(axis=0)) / 2
    return (plane - middle) / max(np.abs(plane - middle).max(), 1e-6)


def _principal(centred: np.ndarray) -> np.ndarray:
    """Project onto the two directions of most variance, each with its sign fixed."""
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    directions = np.concatenate([directions, np.zeros((2, centred.shape[1]))])[:2]
    largest = np.take_along_axis(directions, np.abs(directions).argmax(axis=1)[:, None], axis=1)
    return centred @ (directions * np.where(largest < 0, -1, 1)).T


def _neighbourly(z: np.ndarray, start: np.ndarray, seed: int) -> np.ndarray:
    perplexity = min(NEIGHBOURS, (len(z) - 1) / 3)
    tsne = TSNE(
        2,
        perplexity=perplexity,
        init=(start / start[:, 0].std() * 1e-4).astype(np.float32),
        max_iter=ROUNDS,
        angle=ANGLE,
        random_state=seed,
        n_jobs=1,
    )
    # One thread: others wait for each other most of the time (four times the work on a busy
    # machine), their sums differ from run to run, and they need memory that may not be there.
    with threadpool_limits(1):
        return tsne.fit_transform(z.astype(np.float32)).astype(np.float64)
