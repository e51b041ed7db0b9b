from pathlib import Path

from trust.__main__ import write_section


def test_a_topic_renews_its_own_section_and_no_other(tmp_path: Path) -> None:
    page = tmp_path / "trust.md"
    write_section(page, "load", ["| fast | how | 1 |"])
    write_section(page, "requests", ["| answered | how | 2 of 2 |"])
    write_section(page, "load", ["| fast | how | 3 |"])
    text = page.read_text()
    assert "| answered | how | 2 of 2 |" in text
    assert "| fast | how | 3 |" in text
    assert "| fast | how | 1 |" not in text
    assert text.index("## Requests") < text.index("## Load"), "in the order in which they are tried"
    assert text.count("# Trust\n") == 1


def test_sections_of_topics_that_are_gone_go(tmp_path: Path) -> None:
    page = tmp_path / "trust.md"
    page.write_text("# Trust\n\n## Tea\n\n| hot | how | 1 |\n")
    write_section(page, "load", ["| fast | how | 3 |"])
    assert "Tea" not in page.read_text()
