"""The arithmetic from a measured rate to a million sounds."""

from benchmarks.bulk import million


def test_a_million_sounds_cost_the_same_work_and_more_starts_on_more_machines() -> None:
    method, rows, columns, remarks = million(rate=1000, size=8000)
    assert columns == ("instances", "it takes", "instances cost")
    assert rows[0] == ("1", "37 min", "$0.07")  # 16.7 minutes of work, four starts of five
    assert rows[-1] == ("16", "21 min", "$0.27")
    assert "1000 sounds a second" in method
    assert "8.0 GB" in remarks
