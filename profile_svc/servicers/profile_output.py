"""From profiles, contexts and watch events to the contract's messages."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from google.type import money_pb2
from vitrine.profile.v1 import profile_pb2, profile_service_pb2
from vitrine.type.v1 import personal_context_pb2

from profile_svc.owner.settings import CONSENT_DEFAULTS, Money, Preferences, UserSettings
from profile_svc.servicers.taste_output import embedding, radar_of, taste_change, timestamp
from profile_svc.storage.users import Removed
from profile_svc.use_cases.profiles import ContextView, ProfileView
from profile_svc.use_cases.watch import Erased, Heartbeat, SettingsChanged, Snapshot, TasteChanged, WatchEvent


def profile(view: ProfileView, *, with_secret: bool = False) -> profile_pb2.Profile:
    """Returns a profile as a message.

    Args:
        view: The profile.
        with_secret: Whether the caller may see the signing secret.
    """
    settings = view.settings
    hook = settings.webhook
    return profile_pb2.Profile(
        name=f"users/{view.user_id}/profile",
        display_name=settings.display_name,
        preferences=_preferences(settings.preferences),
        consents=_consents(settings),
        summary_webhook=profile_pb2.SummaryWebhook(
            url=hook.url,
            signing_secret=hook.signing_secret if with_secret else "",
            has_signing_secret=bool(hook.signing_secret),
        ),
        radar=radar_of(view.taste),
        sequence=view.sequence,
        etag=settings.etag(),
        create_time=timestamp(view.create_time),
        update_time=timestamp(view.update_time),
    )


def personal_context(view: ContextView) -> personal_context_pb2.PersonalContext:
    """Returns what a ranking may know as a message; empty where the user does not allow it."""
    if view.settings is None:
        return personal_context_pb2.PersonalContext()
    wanted = view.settings.preferences
    return personal_context_pb2.PersonalContext(
        taste=None if view.vector is None else embedding(view.model, view.vector),
        color_season=wanted.color_season,
        sizes=dict(wanted.sizes),
        budget=None if wanted.budget is None else _money(wanted.budget),
        preferred_brands=wanted.preferred_brands,
        avoided_brands=wanted.avoided_brands,
        avoided_colors=wanted.avoided_colors,
        avoided_materials=wanted.avoided_materials,
        departments=wanted.departments,
        currency_code=wanted.currency_code,
    )


def watch_response(
    event: WatchEvent, now: dt.datetime, *, with_secret: bool
) -> profile_service_pb2.WatchProfileResponse:
    """Returns a watch event as a message.

    Args:
        event: The event.
        now: The server's time.
        with_secret: Whether the caller may see the signing secret.
    """
    kinds = profile_service_pb2.WatchProfileResponse
    response = kinds(sequence=event.sequence, server_time=timestamp(now))
    match event:
        case Snapshot():
            response.snapshot.profile.CopyFrom(profile(event.profile, with_secret=with_secret))
        case SettingsChanged():
            response.settings_changed.profile.CopyFrom(profile(event.profile, with_secret=with_secret))
        case TasteChanged():
            response.taste_change.CopyFrom(taste_change(event.event))
        case Erased():
            response.erased.SetInParent()
        case Heartbeat():
            response.heartbeat.SetInParent()
    return response


def erased(removed: Sequence[Removed], now: dt.datetime) -> profile_service_pb2.EraseProfileResponse:
    """Returns what an erasure removed as a message."""
    items = [profile_service_pb2.ErasedItems(kind=item.table, count=len(item.keys), keys=item.keys) for item in removed]
    return profile_service_pb2.EraseProfileResponse(items=items, erase_time=timestamp(now))


def _preferences(wanted: Preferences) -> profile_pb2.Preferences:
    return profile_pb2.Preferences(
        budget=None if wanted.budget is None else _money(wanted.budget),
        sizes=dict(wanted.sizes),
        preferred_brands=wanted.preferred_brands,
        avoided_brands=wanted.avoided_brands,
        avoided_colors=wanted.avoided_colors,
        avoided_materials=wanted.avoided_materials,
        departments=wanted.departments,
        language=wanted.language,
        currency_code=wanted.currency_code,
        color_season=wanted.color_season,
    )


def _consents(settings: UserSettings) -> list[profile_pb2.Consent]:
    messages = []
    for kind in CONSENT_DEFAULTS:
        answer = settings.consents.get(kind)
        since = None if answer is None else dt.datetime.fromisoformat(answer.change_time)
        message = profile_pb2.Consent(
            kind=profile_pb2.ConsentKind.Value(f"CONSENT_KIND_{kind}"),
            granted=settings.allows(kind),
            change_time=timestamp(since),
        )
        messages.append(message)
    return messages


def _money(money: Money) -> money_pb2.Money:
    return money_pb2.Money(currency_code=money.currency, units=money.units, nanos=money.nanos)
