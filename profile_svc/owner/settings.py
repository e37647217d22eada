"""The settings of a user and how an update changes them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any

from mesh.errors import FailedPreconditionError, InvalidInputError


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of money.

    Attributes:
        currency: ISO 4217 code.
        units: Whole units.
        nanos: Billionths of a unit, 0-999,999,999.
    """

    currency: str
    units: int
    nanos: int = 0


@dataclass(frozen=True, slots=True)
class Preferences:
    """What the user wants. Field names are those of the contract.

    Attributes:
        budget: For one product.
        sizes: By bucket.
        preferred_brands: Liked brands.
        avoided_brands: Brands not to be shown.
        avoided_colors: Colour names not to be worn.
        avoided_materials: Materials not to be worn.
        departments: ``women``, ``men``, ``unisex``, ``kids``; empty means all.
        language: BCP-47 tag; may be empty.
        currency_code: Currency to show prices in; may be empty.
        color_season: Colour season as the user states it; may be empty.
    """

    budget: Money | None = None
    sizes: Mapping[str, str] = field(default_factory=dict)
    preferred_brands: tuple[str, ...] = ()
    avoided_brands: tuple[str, ...] = ()
    avoided_colors: tuple[str, ...] = ()
    avoided_materials: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()
    language: str = ""
    currency_code: str = ""
    color_season: str = ""


@dataclass(frozen=True, slots=True)
class ConsentAnswer:
    """What the user said about one consent.

    Attributes:
        granted: Whether it is allowed.
        change_time: When they said so, ISO 8601 in UTC.
    """

    granted: bool
    change_time: str


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where the summary message goes.

    Attributes:
        url: Address; empty turns it off.
        signing_secret: Key of the signature; empty when there is none.
    """

    url: str = ""
    signing_secret: str = ""


@dataclass(frozen=True, slots=True)
class UserSettings:
    """All settings of a user.

    Attributes:
        display_name: How they want to be called.
        preferences: What they want.
        consents: What they said, by kind; a kind that is missing stands at its default.
        webhook: Where the summary message goes.
    """

    display_name: str = ""
    preferences: Preferences = field(default_factory=Preferences)
    consents: Mapping[str, ConsentAnswer] = field(default_factory=dict)
    webhook: Webhook = field(default_factory=Webhook)

    def allows(self, kind: str) -> bool:
        """Tells whether the user allows something.

        Args:
            kind: A key of `CONSENT_DEFAULTS`.
        """
        answer = self.consents.get(kind)
        return CONSENT_DEFAULTS[kind] if answer is None else answer.granted

    def demand(self, kind: str) -> None:
        """Refuses what the user does not allow.

        Args:
            kind: A key of `CONSENT_DEFAULTS`.

        Raises:
            FailedPreconditionError: CONSENT_MISSING.
        """
        if not self.allows(kind):
            raise FailedPreconditionError(
                f"the user has not given the consent {kind}", "CONSENT_MISSING", {"consent": kind}
            )

    def etag(self) -> str:
        """Returns a value that changes with every change of the settings, in hex."""
        return hashlib.sha256(dump_settings(self).encode()).hexdigest()[:24]


# What holds until the user says something else; the contract's comments on ConsentKind say the same.
CONSENT_DEFAULTS: Mapping[str, bool] = MappingProxyType(
    {
        "TASTE_LEARNING": True,
        "PERSONAL_RANKING": True,
        "FACE_FINDINGS": False,
        "BODY_FINDINGS": False,
        "EXTERNAL_LANGUAGE_MODEL": False,
    }
)
_PREFERENCE_NAMES = tuple(item.name for item in fields(Preferences))


@dataclass(frozen=True, slots=True)
class SettingsUpdate:
    """New values, as a request gives them.

    Attributes:
        values: The new values; its own `consents` are not looked at.
        consents: Granted or not, by kind.
        present: Paths that the request gives values for; used when it has no mask.
    """

    values: UserSettings
    consents: Mapping[str, bool]
    present: frozenset[str]


def apply_update(
    old: UserSettings, update: SettingsUpdate, paths: Iterable[str], *, now: str, make_secret: Callable[[], str]
) -> UserSettings:
    """Changes settings.

    Args:
        old: The settings before.
        update: New values.
        paths: Field mask in the contract's spelling; empty means what the update gives values for.
        now: The time of the change, ISO 8601 in UTC.
        make_secret: Makes a signing secret; called when a webhook has a URL but no secret.

    Returns:
        The settings after.

    Raises:
        InvalidInputError: INVALID_UPDATE_MASK.
    """
    new = old
    for path in sorted({_settable(path) for path in paths} or update.present):  # a parent comes before its parts
        new = _set(new, update, path, now)
    if new.webhook.url and not new.webhook.signing_secret:
        new = replace(new, webhook=replace(new.webhook, signing_secret=make_secret()))
    return new


def _settable(path: str) -> str:
    """Returns the part of a path that is set as a whole: of `preferences.budget.units` that is `preferences.budget`."""
    return ".".join(path.split(".")[:2])


def _set(settings: UserSettings, update: SettingsUpdate, path: str, now: str) -> UserSettings:
    head, _, leaf = path.partition(".")
    values = update.values
    match head, leaf:
        case "display_name", "":
            return replace(settings, display_name=values.display_name)
        case "preferences", "":
            return replace(settings, preferences=values.preferences)
        case "preferences", _ if leaf in _PREFERENCE_NAMES:
            part = {leaf: getattr(values.preferences, leaf)}
            return replace(settings, preferences=replace(settings.preferences, **part))
        case "consents", "":
            return replace(settings, consents=_answered(settings, update.consents, now))
        case "summary_webhook", "":
            return replace(settings, webhook=_webhook(settings.webhook, values.webhook))
        case "summary_webhook", "url" | "signing_secret":
            part = {leaf: getattr(values.webhook, leaf)}
            return replace(settings, webhook=replace(settings.webhook, **part))
    raise InvalidInputError.of("update_mask", f"names {path!r}, which cannot be set", "INVALID_UPDATE_MASK")


def _answered(settings: UserSettings, answers: Mapping[str, bool], now: str) -> dict[str, ConsentAnswer]:
    """Sets the kinds that are named; saying the same again does not change the time."""
    consents = dict(settings.consents)
    for kind, granted in answers.items():
        if kind not in consents or consents[kind].granted != granted:
            consents[kind] = ConsentAnswer(granted, now)
    return consents


def _webhook(old: Webhook, new: Webhook) -> Webhook:
    """A new address keeps the secret when none is given with it; no address drops both."""
    if not new.url:
        return Webhook()
    return Webhook(new.url, new.signing_secret or old.signing_secret)


def dump_settings(settings: UserSettings) -> str:
    """Returns the canonical JSON of settings."""
    return json.dumps(asdict(settings), sort_keys=True, separators=(",", ":"))


def load_settings(text: str) -> UserSettings:
    """Reads what `dump_settings` wrote, also an older version's with fewer fields."""
    data: dict[str, Any] = json.loads(text)
    wanted = data.get("preferences", {})
    budget = wanted.pop("budget", None)
    preferences: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in wanted.items()
        if key in _PREFERENCE_NAMES
    }
    return UserSettings(
        display_name=data.get("display_name", ""),
        preferences=Preferences(budget=Money(**budget) if budget else None, **preferences),
        consents={kind: ConsentAnswer(**answer) for kind, answer in data.get("consents", {}).items()},
        webhook=Webhook(**data.get("webhook", {})),
    )
