"""One sentence on what a run's model sounds like, by rules from its figures.

    verdict(metrics, heard, clips).sentence
    "Sounds like the recordings; hat and ride vary too little."

The first part says how like the recordings the sounds are, from `frechet_ratio` (timbre),
`modulation_db` and `told_apart` (fine structure), each good, fair or poor by meanings.py:

    frechet_ratio poor                         does not sound like the recordings yet
    modulation_db poor, or told_apart poor
      and modulation_db not good               sounds duller than the recordings
    all three good                             sounds like the recordings
    otherwise                                  sounds somewhat like the recordings, and why not more

The other parts name what is wrong besides: labels that are not heard as what they are (less than
half as often as real sounds are), variety of all or of single labels, copies of recordings. Where
there are too few clips for figures, the verdict says so and nothing else.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sound_vae.quality.report.hearing import Hearing
from sound_vae.quality.report.meanings import FAIR, GOOD, POOR, SCALES, grade

MOST_NAMED = 3  # labels in a sentence
LACKING = {
    "frechet_ratio": "their timbre is not quite the same",
    "modulation_db": "some of their fine structure is lost",
    "told_apart": "a network that learns the difference still hears it",
}
RARELY_HEARD = 0.5  # of the share of real sounds that are heard as their label


@dataclass(frozen=True)
class Verdict:
    """A sentence, and the worst grade that led to it; "" where there was nothing to judge by."""

    sentence: str
    grade: str


def verdict(metrics: Mapping[str, float], heard: Hearing | None, why_not: str) -> Verdict:
    """Judge a model; `why_not` says why there are no figures, if there are none."""
    if "frechet_ratio" not in metrics:
        return Verdict(f"Listen and judge for yourself: {why_not}.", "")
    parts = list(_parts(metrics, heard))
    worst = next(level for level in (POOR, FAIR, GOOD) if level in [grade for _, grade in parts])
    text = "; ".join(words for words, _ in parts)
    return Verdict(f"{text[0].upper()}{text[1:]}.", worst)


def _parts(metrics: Mapping[str, float], heard: Hearing | None) -> Iterable[tuple[str, str]]:
    yield _likeness({name: grade(name, metrics) for name in SCALES if name in metrics})
    real = metrics.get("real_accuracy", 1.0)
    unheard = [
        label
        for label, share in (heard.accuracy if heard else {}).items()
        if share < RARELY_HEARD * real
    ]
    if unheard:
        yield f"{_listed(unheard)} {_is(unheard)} rarely heard as {_such(unheard)}", POOR
    elif "accuracy" in metrics and grade("accuracy", metrics) == POOR:
        yield "many sounds are not heard as the label that was asked for", POOR
    low, high = SCALES["diversity"].fair
    if metrics.get("diversity", 1.0) < low:
        yield "the sounds of a label vary too little", POOR
    elif metrics.get("diversity", 1.0) > high:
        yield "the sounds of a label vary more than recordings do", POOR
    else:
        alike = [name for name, share in (heard.variety if heard else {}).items() if share < low]
        if alike:
            yield f"{_listed(alike)} {'varies' if len(alike) == 1 else 'vary'} too little", FAIR
    if "copies" in metrics and grade("copies", metrics) == POOR:
        nearest = grade("nearest", metrics) if "nearest" in metrics else POOR
        if nearest != GOOD:
            yield "some sounds are all but copies of recordings", POOR


def _likeness(grades: Mapping[str, str]) -> tuple[str, str]:
    timbre, fine = grades["frechet_ratio"], grades.get("modulation_db", GOOD)
    told = grades.get("told_apart", GOOD)
    if timbre == POOR:
        return "does not sound like the recordings yet", POOR
    if fine == POOR or (told == POOR and fine != GOOD):
        return "sounds duller than the recordings", FAIR
    if {timbre, fine, told} == {GOOD}:
        return "sounds like the recordings", GOOD
    why = " and ".join(words for name, words in LACKING.items() if grades.get(name, GOOD) != GOOD)
    return f"sounds somewhat like the recordings: {why}", FAIR


def _listed(labels: list[str]) -> str:
    shown = [label[:40] for label in labels[:MOST_NAMED]]
    if len(labels) > MOST_NAMED:
        return f"{', '.join(shown)} and {len(labels) - MOST_NAMED} more labels"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def _is(labels: list[str]) -> str:
    return "is" if len(labels) == 1 else "are"


def _such(labels: list[str]) -> str:
    return "what it is" if len(labels) == 1 else "what they are"
