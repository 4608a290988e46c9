"""What travels: its size, and that it comes out as it went in."""

from queue_server.bus.messages import HINTS_A_MESSAGE, LONGEST_MESSAGE, decode, encode, portions
from queue_server.bus.port import Hint

SENDER = "00112233445566ff"


def test_the_longest_message_stays_under_4_kb() -> None:
    longest = [Hint("b" * 64, "2026-11-23", 2**31 - 1)] * HINTS_A_MESSAGE
    data = encode(SENDER, 2**53, longest)
    assert len(data) < LONGEST_MESSAGE == 4096
    assert decode(data).hints == longest


def test_hints_come_out_as_they_went_in() -> None:
    hints = [Hint("main", "2026-11-23", 1), Hint("A_b-9", "2027-01-01", 50_000)]
    message = decode(encode(SENDER, 12, hints))
    assert (message.sender, message.number, message.hints) == (SENDER, 12, hints)


def test_a_round_is_cut_into_messages_and_an_empty_one_is_a_heartbeat() -> None:
    hints = [Hint(f"b{number}", "2026-11-23", number) for number in range(2 * HINTS_A_MESSAGE + 1)]
    cut = list(portions(hints))
    assert [len(each) for each in cut] == [HINTS_A_MESSAGE, HINTS_A_MESSAGE, 1]
    assert [hint for each in cut for hint in each] == hints
    assert list(portions([])) == [[]]
