"""A recording of each label to show: one that is not learnt from, where there is one."""

import numpy as np

from sound_vae.data.dataset import Dataset


def one_of_each(
    training: Dataset, validation: Dataset, most: int, *, without_labels: int
) -> list[tuple[Dataset, int]]:
    """Choose clips, each by its Dataset and its index there, of at most `most` labels in order.

    Of data without labels at most `without_labels` clips are chosen, which are held back.
    """
    if not training.labels:
        return [(validation, clip) for clip in range(min(without_labels, most, len(validation)))]
    chosen = []
    for label in range(len(training.labels)):
        for data in (validation, training):
            found = np.flatnonzero(data.label_ids == label)
            if len(found):
                chosen.append((data, int(found[0])))
                break
        if len(chosen) == most:
            break
    return chosen[:most]
