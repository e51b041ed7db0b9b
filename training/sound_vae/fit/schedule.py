"""How long and how fast a run learns."""

import math
from dataclasses import dataclass

import keras

LEAST_STEPS = (
    75  # of an epoch: about what 2,700 digits have; hundreds of hits and notes need them, too
)
PASS_STEPS = 40  # that a pass over the clips takes, about, when the batch size is chosen
SMALLEST_BATCH, LARGEST_BATCH = 8, 32  # clips, when the batch size is chosen
WARMUP_SHARE = 1 / 7  # of the epochs, over which the divergence gets its weight


@dataclass(frozen=True)
class Schedule:
    """Length and pace of a run."""

    epochs: int
    batch_size: int
    learning_rate: float  # at its peak
    warmup_epochs: float
    steps_per_call: int
    seed: int
    kl_weight: float = 1.0
    least_steps: int = 1  # of an epoch; fewer clips are gone through several times
    warm_start: bool = False  # the weights have learnt already

    def kl_weight_in(self, epoch: int) -> float:
        """Weight of the divergence in an epoch, counted from 1: it rises to its full value.

        A model that has learnt already has a posterior that this would spoil.
        """
        if self.warm_start:
            return self.kl_weight
        return min(epoch / max(self.epochs * WARMUP_SHARE, 1), 1) * self.kl_weight

    def learning_rates(
        self, steps_an_epoch: int
    ) -> keras.optimizers.schedules.LearningRateSchedule:
        """Rise to the peak during the warm-up, then fall to 0 along half a cosine."""
        steps = self.epochs * steps_an_epoch
        warmup = min(round(self.warmup_epochs * steps_an_epoch), steps - 1)
        peak = self.learning_rate
        return keras.optimizers.schedules.CosineDecay(
            peak / max(warmup, 1) if warmup else peak,
            max(steps - warmup, 1),
            warmup_target=peak if warmup else None,
            warmup_steps=warmup,
        )


@dataclass(frozen=True)
class Pace:
    """What a step takes, and how far it goes."""

    batch_size: int  # clips of all devices
    faster: float = 1.0  # times the learning rate


def choose_pace(clips: int, devices: int, batch_size: int | None = None) -> Pace:
    """Give the same steps on several devices as on one, as long as each gets enough to do.

    One device takes the power of two with which a pass has about `PASS_STEPS` steps, and
    several share that. When each would get less than `SMALLEST_BATCH`, it gets as much, so a step
    takes more clips, and the learning rate grows by the square root of how much more, as Adam's
    should (https://arxiv.org/abs/2205.10287). A batch size that is asked for is that of one device.
    """
    power = 2 ** round(math.log2(clips / PASS_STEPS))
    of_one = batch_size or int(min(max(power, SMALLEST_BATCH), LARGEST_BATCH))
    of_all = max(of_one, min(SMALLEST_BATCH, of_one) * devices)
    return Pace(of_all, math.sqrt(of_all / of_one))
