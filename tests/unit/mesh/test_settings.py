"""Settings: from the environment, frozen, and shown in a table."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import Field, ValidationError

from mesh.settings import DatabaseSettings, ServiceSettings, settings_table

pytestmark = pytest.mark.unit


class ExampleSettings(DatabaseSettings, ServiceSettings):
    service_name: str = Field(default="example", description="Name.")
    limit_px: int = Field(default=640, ge=1, description="Longest side, in pixels.")
    secret: str = Field(description="Has no default.")


def test_defaults_are_safe_on_loopback() -> None:
    settings = ServiceSettings()
    assert (settings.host, settings.jwks, settings.service_key_file) == ("127.0.0.1", None, None)


def test_environment_is_read_with_the_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITRINE_GRPC_PORT", "50051")
    monkeypatch.setenv("VITRINE_SERVICE_KEY_FILE", "/keys/a.pem")
    monkeypatch.setenv("VITRINE_JWKS", "")
    monkeypatch.setenv("GRPC_PORT", "1")
    monkeypatch.setenv("VITRINE_UNKNOWN", "1")
    settings = ServiceSettings()
    assert (settings.grpc_port, settings.service_key_file, settings.jwks) == (50051, Path("/keys/a.pem"), None)


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        ServiceSettings().host = "0.0.0.0"  # noqa: S104


@pytest.mark.parametrize(
    ("name", "value"),
    [("grpc_port", 70000), ("log_level", "loud"), ("max_message_bytes", 1), ("service_name", "Has Space")],
)
def test_value_out_of_range_is_refused(name: str, value: object) -> None:
    with pytest.raises(ValidationError, match=name):
        ServiceSettings(**{name: value})  # type: ignore[arg-type]


def test_password_of_the_database_is_not_shown() -> None:
    settings = DatabaseSettings(database_url="postgresql+psycopg://u:hunter2@h/d")  # type: ignore[arg-type]
    assert "hunter2" not in repr(settings)


def test_table_has_a_row_per_field() -> None:
    table = settings_table(ExampleSettings).splitlines()
    assert table[:2] == ["| variable | default | meaning |", "|---|---|---|"]
    assert len(table) - 2 == len(ExampleSettings.model_fields)
    assert "| `VITRINE_LIMIT_PX` | `640` | Longest side, in pixels. |" in table
    assert "| `VITRINE_SECRET` | required | Has no default. |" in table
    assert all(row.count(" | ") == 2 for row in table if row != table[1])


def test_every_field_has_a_description() -> None:
    descriptions = {name: info.description or "" for name, info in ExampleSettings.model_fields.items()}
    assert [name for name, text in descriptions.items() if not text.endswith(".")] == []
