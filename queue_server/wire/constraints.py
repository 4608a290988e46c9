"""What texts, identifiers and numbers from outside may be: one name for each kind, with its bounds and what would be right."""

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct

_END = r"(?![\s\S])"  # `$` would let a line feed pass, and `\Z` is not known to JSON Schema
# Also what ends a line or turns the direction of what follows: it could forge a line of a log, or garble a display.
_NO_CONTROL = r"[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]"

WEEK_SECONDS = 604_800

ID_RIGHT = "an identifier: 1 to 64 letters, digits, _ or -"

Id: TypeAlias = Annotated[str, Meta(pattern=rf"^[A-Za-z0-9_-]{{1,64}}{_END}", extra={"right": ID_RIGHT})]
Text: TypeAlias = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=100,
        pattern=rf"^{_NO_CONTROL}*{_END}",
        extra={"right": "1 to 100 characters without control characters"},
    ),
]
ShortText: TypeAlias = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=32,
        pattern=rf"^{_NO_CONTROL}*{_END}",
        extra={"right": "1 to 32 characters without control characters"},
    ),
]
Note: TypeAlias = Annotated[
    str,
    Meta(
        # White space around it does not count; whoever keeps it takes it off.
        pattern=rf"^\s*(?=\S){_NO_CONTROL}{{1,500}}(?<=\S)\s*{_END}",
        extra={"right": "1 to 500 characters without control characters"},
    ),
]
Language: TypeAlias = Annotated[
    str,
    Meta(
        max_length=35,
        pattern=rf"^[A-Za-z]{{2,8}}(-[A-Za-z0-9]{{1,8}})*{_END}",
        extra={"right": "a language tag such as en or zh-Hant"},
    ),
]
Reference: TypeAlias = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=64,
        pattern=rf"^{_NO_CONTROL}*{_END}",
        extra={"right": "an identifier of at most 64 characters"},
    ),
]
Subject: TypeAlias = Annotated[
    str, Meta(pattern=rf"^[A-Za-z0-9_.@-]{{1,64}}{_END}", extra={"right": "1 to 64 letters, digits, or any of _ . @ -"})
]
Letters: TypeAlias = Annotated[str, Meta(pattern=rf"^[A-Za-z]{{1,4}}{_END}", extra={"right": "1 to 4 letters, A to Z"})]
TimeOfDay: TypeAlias = Annotated[
    str, Meta(pattern=rf"^([01][0-9]|2[0-3]):[0-5][0-9]{_END}", extra={"right": "a time of day from 00:00 to 23:59"})
]
Date: TypeAlias = Annotated[
    str,
    Meta(
        pattern=rf"^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}{_END}",
        extra={"right": 'a date such as "2026-12-24", in quotation marks'},
    ),
]
Seconds: TypeAlias = Annotated[
    float, Meta(ge=0.001, le=WEEK_SECONDS, extra={"right": "a number of seconds, above zero and at most a week"})
]
SecondsOrNothing: TypeAlias = Annotated[float, Meta(ge=0, le=WEEK_SECONDS, extra={"right": "a number of seconds from 0 to a week"})]
Share: TypeAlias = Annotated[float, Meta(ge=0, le=0.999, extra={"right": "a share from 0 to 0.999, such as 0.25"})]
WholeShare: TypeAlias = Annotated[float, Meta(ge=0, le=1, extra={"right": "a share from 0 to 1, such as 0.5"})]
Spoken: TypeAlias = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=500,
        pattern=rf"^{_NO_CONTROL}*{_END}",
        extra={"right": "1 to 500 characters without control characters"},
    ),
]
Names: TypeAlias = Annotated[
    dict[Language, Text], Meta(min_length=1, max_length=20, extra={"right": 'names by language, such as {"en": "Cash"}'})
]
Care: TypeAlias = Literal["elderly", "disabled", "pregnant", "with_infant", "service_member"]


class BehindBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Just after the N-th of the ticket's class."""

    behind: Annotated[int, Meta(ge=1, le=10_000, extra={"right": "a whole number from 1 to 10000"})]


WantedPosition: TypeAlias = Literal["front", "due", "back"] | BehindBody
