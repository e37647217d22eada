"""From an `UpdateProfileRequest` to what the core knows."""

from __future__ import annotations

from google.type import money_pb2
from vitrine.profile.v1 import profile_pb2

from mesh.errors import InvalidInputError
from profile_svc.owner.settings import Money, Preferences, SettingsUpdate, UserSettings, Webhook

CONSENT_NAMES: dict[int, str] = {
    value: name.removeprefix("CONSENT_KIND_") for name, value in profile_pb2.ConsentKind.items() if value
}


def read_update(profile: profile_pb2.Profile) -> SettingsUpdate:
    """Converts new values, and notes which there are.

    Args:
        profile: The profile of the request.

    Raises:
        InvalidInputError: When a consent is named twice.
    """
    kinds = [consent.kind for consent in profile.consents]
    if len(set(kinds)) != len(kinds):
        raise InvalidInputError.of("profile.consents", "must name each kind once")
    values = UserSettings(
        display_name=profile.display_name,
        preferences=_preferences(profile.preferences),
        webhook=Webhook(profile.summary_webhook.url, profile.summary_webhook.signing_secret),
    )
    consents = {CONSENT_NAMES[consent.kind]: consent.granted for consent in profile.consents}
    return SettingsUpdate(values, consents, frozenset(_present(profile)))


def _present(profile: profile_pb2.Profile) -> list[str]:
    paths = [name for name in ("display_name", "consents") if getattr(profile, name)]
    paths += [f"preferences.{field.name}" for field, _ in profile.preferences.ListFields()]
    return [*paths, "summary_webhook"] if profile.HasField("summary_webhook") else paths


def _preferences(wanted: profile_pb2.Preferences) -> Preferences:
    return Preferences(
        budget=_money(wanted.budget) if wanted.HasField("budget") else None,
        sizes=dict(sorted(wanted.sizes.items())),
        preferred_brands=tuple(wanted.preferred_brands),
        avoided_brands=tuple(wanted.avoided_brands),
        avoided_colors=tuple(wanted.avoided_colors),
        avoided_materials=tuple(wanted.avoided_materials),
        departments=tuple(wanted.departments),
        language=wanted.language,
        currency_code=wanted.currency_code,
        color_season=wanted.color_season,
    )


def _money(money: money_pb2.Money) -> Money:
    return Money(money.currency_code, money.units, money.nanos)
