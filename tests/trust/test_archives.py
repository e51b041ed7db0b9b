import tarfile

import pytest

from trust import archives
from trust.archives import CRAFTED, STARTER, load


@pytest.mark.parametrize("craft", CRAFTED.values(), ids=CRAFTED.keys())
def test_a_crafted_archive_is_refused_in_a_sentence(craft: archives.Craft) -> None:
    assert load(craft)


def test_a_right_archive_is_not() -> None:
    assert tarfile.is_tarfile(STARTER)
    with pytest.raises(AssertionError, match="it was taken for a model"):
        load(lambda _: STARTER.read_bytes())
