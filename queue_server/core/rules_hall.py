"""The rules of what is said to the hall."""

from queue_server.core import commands as c
from queue_server.core import events as e
from queue_server.core.rejections import InvalidCommand
from queue_server.core.turn import Turn


def announce(turn: Turn, command: c.Announce) -> None:
    """Give a notice to the hall, or to one zone."""
    rules = turn.state.rules
    known = [template.id for template in rules.announcements]
    if command.template is not None and command.template not in known:
        raise InvalidCommand(
            f"There is no announcement {command.template!r} here; those prepared: {', '.join(known) or 'none'}",
            template=command.template,
        )
    require_zone(turn, command.zone)
    turn.emit(
        e.AnnouncementMade(
            announcement=command.announcement,
            until=turn.at + rules.announcement_ms,
            template=command.template,
            zone=command.zone,
        )
    )


def require_zone(turn: Turn, zone: str | None) -> None:
    """Refuse a zone in which no counter stands."""
    known = {place.zone for place in turn.state.places.values() if place.zone is not None}
    if zone is not None and zone not in known:
        raise InvalidCommand(f"No counter stands in zone {zone!r}; zones here: {', '.join(sorted(known)) or 'none'}", zone=zone)
