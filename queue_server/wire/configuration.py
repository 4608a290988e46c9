"""From the configuration as the outside writes it to the one that the core keeps, and back; what goes in comes out the same."""

from typing import Any

from queue_server.core.configuration import (
    Behind,
    Code,
    Configuration,
    CounterPlace,
    Position,
    Preference,
    Profile,
    Service,
    StartMode,
    Template,
    Tier,
)
from queue_server.core.ids import BranchId
from queue_server.wire.configuration_calendar import hours_form, promises_form, stored_hours, stored_promises
from queue_server.wire.configuration_faults import inconsistencies
from queue_server.wire.configuration_form import (
    AutomaticCalling,
    CodeConfiguration,
    ConfigurationForm,
    CounterConfiguration,
    ProfileConfiguration,
    ServiceConfiguration,
    StartAfter,
    TemplateConfiguration,
    TierConfiguration,
)
from queue_server.wire.configuration_rules import arrival_form, elastic_form, stored_arrival, stored_elastic
from queue_server.wire.constraints import BehindBody, WantedPosition
from queue_server.wire.instants import milliseconds, milliseconds_or_none, seconds, seconds_or_none
from queue_server.wire.policy_form import cap_form, policy_form, stored_cap, stored_policy
from queue_server.wire.reading import Invalid, faults_in, read


def read_configuration(value: Any, branch_id: BranchId | None = None) -> Configuration:
    """
    Return the configuration that *value* (JSON or TOML, decoded) describes; its id must be *branch_id* where one is given.

    Raises:
        Invalid: with every fault.
    """
    faults = faults_in(value, ConfigurationForm, shows=True)
    if isinstance(value, dict):
        faults += inconsistencies(value, branch_id)
    if faults:
        raise Invalid(faults)
    return _stored(read(value, ConfigurationForm))


def configuration_form(rules: Configuration) -> ConfigurationForm:
    """Return *rules* as the outside writes them, with every default filled in."""
    return ConfigurationForm(
        id=rules.id,
        name=rules.name,
        tiers=tuple(TierConfiguration(tier.id, tier.name, seconds(tier.target_ms)) for tier in rules.tiers),
        services=tuple(_service_form(service) for service in rules.services),
        counters=tuple(CounterConfiguration(place.id, place.number, place.zone, place.profile) for place in rules.counters),
        languages=rules.languages,
        time_zone=rules.time_zone,
        day_starts_at=rules.day_starts_at,
        default_tier=rules.default_tier,
        profiles=tuple(_profile_form(profile) for profile in rules.profiles),
        policy=policy_form(rules),
        care_share=rules.care_permille / 1000,
        reserve=rules.reserve,
        cap=cap_form(rules),
        no_show_after_seconds=seconds_or_none(rules.no_show_after_ms),
        reinstate_seconds=seconds(rules.reinstate_ms),
        start=_start_form(rules),
        transfer_position=_position(rules.transfer_position),
        reinstate_position=_position(rules.reinstate_position),
        roll_grace_seconds=seconds(rules.roll_grace_ms),
        carry_over=rules.carry_over,
        hours=hours_form(rules.hours),
        promises=tuple(promises_form(listed) for listed in rules.promises),
        classification=tuple(arrival_form(rule) for rule in rules.classification),
        elastic=tuple(elastic_form(rule) for rule in rules.elastic),
        automatic_calling=None if rules.automatic_after_ms is None else AutomaticCalling(seconds(rules.automatic_after_ms)),
        recalls_before_no_show=rules.recalls_before_no_show,
        stage_credit=rules.stage_credit_permille / 1000,
        park_limit=rules.park_limit,
        undo_seconds=seconds(rules.undo_ms),
        pause_reasons=tuple(CodeConfiguration(code.id, code.name) for code in rules.pause_reasons),
        reasons=tuple(CodeConfiguration(code.id, code.name) for code in rules.reasons),
        outcomes=tuple(CodeConfiguration(code.id, code.name) for code in rules.outcomes),
        announcements=tuple(TemplateConfiguration(template.id, template.text) for template in rules.announcements),
        announcement_seconds=seconds(rules.announcement_ms),
    )


def _stored(form: ConfigurationForm) -> Configuration:
    after = form.start if isinstance(form.start, StartAfter) else None
    return Configuration(
        id=form.id,
        name=form.name,
        tiers=tuple(Tier(tier.id, tier.name, milliseconds(tier.target_seconds)) for tier in form.tiers),
        services=tuple(_service(service) for service in form.services),
        counters=tuple(CounterPlace(c.id, str(c.number), c.zone, c.profile) for c in form.counters),
        default_tier=form.default_tier or form.tiers[-1].id,
        languages=form.languages or tuple(form.name),
        time_zone=form.time_zone,
        day_starts_at=form.day_starts_at,
        profiles=tuple(_profile(profile) for profile in form.profiles or ()),
        policy=stored_policy(form.policy),
        care_permille=round(form.care_share * 1000),
        reserve=form.reserve,
        cap=stored_cap(form.cap),
        start=StartMode.AFTER if isinstance(form.start, StartAfter) else StartMode(form.start),
        start_after_ms=milliseconds(after.after_seconds) if after is not None else 0,
        no_show_after_ms=milliseconds_or_none(form.no_show_after_seconds),
        reinstate_ms=milliseconds(form.reinstate_seconds),
        transfer_position=_stored_position(form.transfer_position),
        reinstate_position=_stored_position(form.reinstate_position),
        roll_grace_ms=milliseconds(form.roll_grace_seconds),
        carry_over=form.carry_over,
        hours=stored_hours(form.hours),
        promises=tuple(stored_promises(listed) for listed in form.promises),
        classification=tuple(stored_arrival(rule) for rule in form.classification),
        elastic=tuple(stored_elastic(rule) for rule in form.elastic),
        automatic_after_ms=None if form.automatic_calling is None else milliseconds(form.automatic_calling.after_idle_seconds),
        recalls_before_no_show=form.recalls_before_no_show,
        stage_credit_permille=round(form.stage_credit * 1000),
        park_limit=form.park_limit,
        undo_ms=milliseconds(form.undo_seconds),
        pause_reasons=tuple(Code(code.id, code.name) for code in form.pause_reasons),
        reasons=tuple(Code(code.id, code.name) for code in form.reasons),
        outcomes=tuple(Code(code.id, code.name) for code in form.outcomes),
        announcements=tuple(Template(template.id, template.text) for template in form.announcements),
        announcement_ms=milliseconds(form.announcement_seconds),
    )


def _service(form: ServiceConfiguration) -> Service:
    targets = {tier: milliseconds(target) for tier, target in form.target_seconds.items()}
    return Service(
        id=form.id,
        name=form.name,
        prefix=form.prefix,
        prefixes=form.prefixes,
        target_ms=targets,
        typical_ms=milliseconds(form.typical_seconds),
        hours=stored_hours(form.hours),
        daily_limit=form.daily_limit,
    )


def _service_form(service: Service) -> ServiceConfiguration:
    targets = {tier: seconds(target) for tier, target in service.target_ms.items()}
    return ServiceConfiguration(
        id=service.id,
        name=service.name,
        prefix=service.prefix,
        prefixes=service.prefixes,
        target_seconds=targets,
        typical_seconds=seconds(service.typical_ms),
        hours=hours_form(service.hours),
        daily_limit=service.daily_limit,
    )


def _profile(form: ProfileConfiguration) -> Profile:
    preference = {service: when if isinstance(when, int) else Preference(when) for service, when in form.preference.items()}
    return Profile(form.id, form.services, form.tiers, form.name, preference)


def _profile_form(profile: Profile) -> ProfileConfiguration:
    preference: Any = {s: when.value if isinstance(when, Preference) else when for s, when in profile.preference.items()}
    return ProfileConfiguration(profile.id, profile.services, profile.tiers, profile.name, preference)


def _start_form(rules: Configuration) -> Any:
    return StartAfter(seconds(rules.start_after_ms)) if rules.start is StartMode.AFTER else rules.start.value


def _position(position: Position) -> WantedPosition:
    return BehindBody(position.behind) if isinstance(position, Behind) else position


def _stored_position(form: WantedPosition) -> Position:
    return Behind(form.behind) if isinstance(form, BehindBody) else form
