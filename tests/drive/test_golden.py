"""The golden files of the feed: the screens' reducer and the server's tests read the same ones."""

import copy
from pathlib import Path

import msgspec
import pytest

from queue_server.drive.reducer import FeedState, comparable

GOLDEN = sorted((Path(__file__).parents[1] / "golden" / "feed").glob("*.json"))


def test_there_are_golden_files() -> None:
    assert GOLDEN


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_snapshot_and_its_deltas_give_the_final_state(path: Path) -> None:
    golden = msgspec.json.decode(path.read_bytes())
    before = copy.deepcopy(golden["snapshot"]["state"])
    feed = FeedState()
    for message in (golden["snapshot"], *golden["deltas"]):
        feed.take(message)
    assert feed.seq == golden["final"]["seq"]
    assert comparable(feed.state) == comparable(golden["final"]["state"])
    assert comparable(before) != comparable(golden["final"]["state"])
