"""The settings of a user and their updates."""

from __future__ import annotations

from dataclasses import replace

import pytest
from vitrine.profile.v1 import profile_pb2

from mesh.errors import FailedPreconditionError, InvalidInputError
from profile_svc.owner.settings import (
    CONSENT_DEFAULTS,
    ConsentAnswer,
    Money,
    Preferences,
    SettingsUpdate,
    UserSettings,
    Webhook,
    apply_update,
    dump_settings,
    load_settings,
)

pytestmark = pytest.mark.unit

OLD = UserSettings(
    display_name="Ada",
    preferences=Preferences(budget=Money("EUR", 100), sizes={"top": "M"}, preferred_brands=("Nord",)),
    webhook=Webhook("https://a.example/hook", "s" * 32),
)
NEW = UserSettings(
    display_name="Bo",
    preferences=Preferences(budget=Money("SEK", 900, 500_000_000), language="sv"),
    webhook=Webhook("https://b.example/hook"),
)


def update(*paths: str, present: frozenset[str] = frozenset(), **consents: bool) -> UserSettings:
    return apply_update(
        OLD, SettingsUpdate(NEW, consents, present), paths, now="2026-01-02T03:04:05+00:00", make_secret=lambda: "made"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        pytest.param((), OLD, id="nothing named, nothing present"),
        pytest.param(("display_name",), replace(OLD, display_name="Bo"), id="one field"),
        pytest.param(("preferences",), replace(OLD, preferences=NEW.preferences), id="a whole message"),
        pytest.param(
            ("preferences.budget", "preferences.language"),
            replace(OLD, preferences=replace(OLD.preferences, budget=NEW.preferences.budget, language="sv")),
            id="parts of a message",
        ),
        pytest.param(
            ("preferences.budget.units",),
            replace(OLD, preferences=replace(OLD.preferences, budget=NEW.preferences.budget)),
            id="money is set as a whole",
        ),
        pytest.param(("preferences.sizes",), replace(OLD, preferences=replace(OLD.preferences, sizes={})), id="clear"),
        pytest.param(
            ("summary_webhook",),
            replace(OLD, webhook=Webhook("https://b.example/hook", "s" * 32)),
            id="keeps its secret",
        ),
        pytest.param(
            ("summary_webhook.signing_secret",), replace(OLD, webhook=replace(OLD.webhook, signing_secret="made")),  # noqa: S106
            id="an empty secret is made anew",
        ),
    ],
)  # fmt: skip
def test_update_sets_what_the_mask_names(paths: tuple[str, ...], expected: UserSettings) -> None:
    assert update(*paths) == expected


@pytest.mark.parametrize("path", ["name", "radar", "etag", "preferences.shoe", "webhook", "consents.kind", ""])
def test_update_refuses_a_mask_that_names_what_cannot_be_set(path: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        update(path)
    assert caught.value.reason == "INVALID_UPDATE_MASK"


def test_update_without_mask_sets_what_is_present() -> None:
    assert update(present=frozenset({"display_name"})) == replace(OLD, display_name="Bo")


def test_consent_keeps_its_time_while_the_answer_stays() -> None:
    first = update("consents", FACE_FINDINGS=True)
    assert first.consents == {"FACE_FINDINGS": ConsentAnswer(granted=True, change_time="2026-01-02T03:04:05+00:00")}
    again = apply_update(
        first, SettingsUpdate(NEW, {"FACE_FINDINGS": True}, frozenset()), ["consents"], now="2027", make_secret=str
    )  # fmt: skip
    assert again == first


def test_consent_defaults_hold_until_the_user_speaks() -> None:
    OLD.demand("TASTE_LEARNING")
    with pytest.raises(FailedPreconditionError) as caught:
        OLD.demand("FACE_FINDINGS")
    assert caught.value.reason == "CONSENT_MISSING"
    assert caught.value.metadata == {"consent": "FACE_FINDINGS"}


def test_consent_defaults_name_every_kind_of_the_contract() -> None:
    kinds = {name.removeprefix("CONSENT_KIND_") for name, value in profile_pb2.ConsentKind.items() if value}
    assert set(CONSENT_DEFAULTS) == kinds


def test_settings_read_back_as_written() -> None:
    settings = replace(update("preferences", "summary_webhook", BODY_FINDINGS=False), display_name="Å")
    assert load_settings(dump_settings(settings)) == settings
    assert load_settings("{}") == UserSettings()


def test_etag_changes_with_the_settings_alone() -> None:
    assert OLD.etag() == load_settings(dump_settings(OLD)).etag() != NEW.etag()
