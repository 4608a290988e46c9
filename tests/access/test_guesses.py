from queue_server.access import guesses as module
from queue_server.access.guesses import Guesses


def test_a_peer_that_fails_too_often_waits_and_others_do_not() -> None:
    now = 0.0
    guesses = Guesses(lambda: now)
    assert [guesses.failed("here") for _ in range(100)] == [0.0] * 100
    assert 0 < guesses.failed("here") <= 0.1
    assert guesses.failed("there") == 0
    now = 0.1
    assert guesses.failed("here") == 0
    assert guesses.failed("here") > 0


def test_the_table_is_bounded() -> None:
    guesses = Guesses(lambda: 0.0)
    for n in range(module._PEERS + 50):
        guesses.failed(str(n))
    assert len(guesses._left) == module._PEERS
