import pytest

from queue_server.access.roles import MAY, Deed, Principal, Role


@pytest.mark.parametrize(
    ("role", "may", "may_not"),
    [
        (Role.KIOSK, {Deed.ISSUE, Deed.SEE_SERVICES, Deed.SEE_BOARD}, {Deed.SERVE, Deed.SEE_HALL, Deed.CONFIGURE}),
        (Role.DISPLAY, {Deed.SEE_BOARD}, {Deed.ISSUE, Deed.SEE_HALL, Deed.SERVE}),
        (Role.STAFF, {Deed.ISSUE, Deed.SERVE, Deed.SEE_HALL}, {Deed.OVERSEE, Deed.ANNOUNCE, Deed.CLOSE_DAY, Deed.CONFIGURE}),
        (
            Role.MANAGER,
            {Deed.SERVE, Deed.OVERSEE, Deed.ANNOUNCE, Deed.CLOSE_DAY, Deed.CONFIGURE},
            {Deed.CREATE_BRANCH, Deed.SCRAPE},
        ),
        (Role.TICKET, {Deed.SEE_OWN_TICKET, Deed.CANCEL_OWN_TICKET}, {Deed.SEE_HALL, Deed.ISSUE, Deed.SEE_BOARD}),
        (Role.METRICS, {Deed.SCRAPE}, {Deed.SEE_BOARD, Deed.SEE_HALL}),
        (Role.ADMIN, {Deed.CREATE_BRANCH, Deed.SCRAPE, Deed.CONFIGURE, Deed.SERVE, Deed.ISSUE}, set()),
    ],
)
def test_what_a_role_may_do(role: Role, may: set[Deed], may_not: set[Deed]) -> None:
    assert may <= MAY[role]
    assert not may_not & MAY[role]


def test_every_role_has_a_row_and_every_deed_somebody() -> None:
    assert set(MAY) == set(Role)
    assert frozenset().union(*MAY.values()) == frozenset(Deed)


def test_a_principal_is_for_its_branches_and_only_staff_have_a_seat() -> None:
    ann = Principal("ann", Role.STAFF, frozenset({"main"}))
    assert (ann.is_for("main"), ann.is_for("other")) == (True, False)
    assert (ann.actor, ann.seat) == ("staff:ann", "ann")
    boss = Principal("boss", Role.MANAGER)
    assert boss.is_for("anywhere")
    assert (boss.actor, boss.seat) == ("manager:boss", None)
