"""Whether what a command names is there at all, asked before anything else is refused: an unknown counter is unknown at night too."""

from queue_server.core import commands as c
from queue_server.core.commands import Command
from queue_server.core.rejections import InvalidCommand, UnknownProfile
from queue_server.core.turn import Turn


def require_known(turn: Turn, command: Command) -> None:
    """Refuse *command* if it names a counter, ticket, service, tier, profile or outcome that there is not; in the order of the answers."""
    named = {name: getattr(command, name, None) for name in ("counter", "ticket", "service", "tier", "profile")}
    if named["counter"] is not None:
        turn.counter(named["counter"])
    if named["ticket"] is not None:
        turn.ticket(named["ticket"])
    for service in (named["service"], *getattr(command, "then", ())):
        if service is not None:
            turn.service(service)
    if named["tier"] is not None:
        turn.tier(named["tier"])
    if named["profile"] is not None and named["profile"] not in turn.state.profiles:
        known = list(turn.state.profiles)
        raise UnknownProfile(f"There is no profile {named['profile']!r} here", profile=named["profile"], known=known)
    turn.outcome(getattr(command, "outcome", None))


def require_reason(turn: Turn, command: Command) -> None:
    """Refuse a reason that is none of the configured ones, where there are any; why a counter pauses is a list of its own."""
    known = turn.state.rules.reasons
    given = getattr(command, "reason", None) if known and not isinstance(command, c.PauseCounter) else None
    if given is None or any(code.id == given for code in known):
        return
    require_known(turn, command)
    said = ", ".join(code.id for code in known)
    # What was given is not said again: it may be a name.
    raise InvalidCommand(f"This is no reason of this branch; those configured: {said}", reason=None)
