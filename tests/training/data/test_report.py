"""What was skipped is counted; of very many files only the first are named."""

import tracemalloc

from sound_vae.data.report import EXAMPLES, MOST_REASONS, OTHER_REASON, DataReport, Skipped


def test_reasons_come_with_their_count_and_first_file() -> None:
    skipped = Skipped([("a", "empty"), ("b", "silent"), ("c", "silent")])
    report = DataReport.on(["d.wav"], skipped)
    report.skipped.append(("e", "silent"))
    assert list(report.reasons()) == [("silent", 3, "b"), ("empty", 1, "a")]
    assert (report.files, len(report.skipped), len(skipped)) == (4, 4, 3)
    assert dict(report.skipped) == {"a": "empty", "b": "silent", "c": "silent", "e": "silent"}


def test_what_was_counted_elsewhere_is_counted_in_full() -> None:
    many = Skipped((str(number), "empty") for number in range(3 * EXAMPLES))
    both = Skipped([("x", "silent"), ("y", "empty")])
    both.extend(many)
    assert len(both) == 3 * EXAMPLES + 2
    assert both.counts == {"empty": 3 * EXAMPLES + 1, "silent": 1}
    assert {reason: len(names) for reason, names in both.examples().items()} == {
        "empty": EXAMPLES,
        "silent": 1,
    }


def test_neither_many_files_nor_many_reasons_take_memory() -> None:
    tracemalloc.start()
    skipped = Skipped((f"{n:050}", f".{n} is not a sound") for n in range(10 * MOST_REASONS))
    skipped.extend((f"{n:050}", ".txt is not a sound") for n in range(10 * MOST_REASONS))
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(skipped) == 20 * MOST_REASONS
    assert len(skipped.counts) == MOST_REASONS + 1
    assert skipped.counts[OTHER_REASON] == 19 * MOST_REASONS
    assert size < 1_000_000
