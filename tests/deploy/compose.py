"""docker-compose.yml and .env.example, read as Docker reads them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic_settings import BaseSettings

from edge_proxy.settings import EdgeSettings
from ingest_svc.settings import IngestSettings
from profile_svc.settings import ProfileSettings
from retrieval_svc.settings import RetrievalSettings
from vision_svc.settings import VisionSettings

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"

# Our own services and what reads their environment; everything else in the file is an engine.
SETTINGS: dict[str, type[BaseSettings]] = {
    "edge": EdgeSettings,
    "ingest": IngestSettings,
    "worker": IngestSettings,
    "vision": VisionSettings,
    "retrieval": RetrievalSettings,
    "profile": ProfileSettings,
}

_VARIABLE = re.compile(r"\$(?:(\$)|\{(\w+)(?:(:-|:\?)([^}]*))?\})")


class EmptyVariableError(ValueError):
    """A variable that must be set is not; the message is that of the file."""


def interpolate(text: str, variables: Mapping[str, str]) -> str:
    """Puts variables into a text by the rules of the Compose specification: `$$`, `${A}`, `${A:-else}`, `${A:?why}`."""

    def value(match: re.Match[str]) -> str:
        dollar, name, operator, rest = match.groups()
        if dollar:
            return "$"
        found = variables.get(name, "")
        if not found and operator == ":?":
            raise EmptyVariableError(f"{name}: {rest}")
        return found or (rest if operator == ":-" else "")

    return _VARIABLE.sub(value, text)


def used_variables(*, required: bool = False) -> set[str]:
    """The variables that the file asks the environment for; with `required` those that may not be empty."""
    code = "\n".join(line for line in COMPOSE.read_text().splitlines() if not line.lstrip().startswith("#"))
    return {name for _, name, operator, _ in _VARIABLE.findall(code) if name and (operator == ":?" or not required)}


def example_environment() -> dict[str, str]:
    """What .env.example says."""
    lines = (ROOT / ".env.example").read_text().splitlines()
    parts = [line.partition("=") for line in lines if line and not line.startswith("#")]
    return {name: value for name, _, value in parts}


def filled_in() -> dict[str, str]:
    """What .env.example says, with every required variable filled in."""
    return example_environment() | {name: f"{name.lower()}-of-this-test" for name in used_variables(required=True)}


def load(variables: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The file after interpolation, which comes after parsing, so that no value can change the structure."""
    values = filled_in() if variables is None else variables

    def resolved(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: resolved(value) for key, value in node.items()}
        if isinstance(node, list):
            return [resolved(value) for value in node]
        return interpolate(node, values) if isinstance(node, str) else node

    loaded: dict[str, Any] = resolved(yaml.safe_load(COMPOSE.read_text()))
    return loaded


def settings_of(name: str, environment: Mapping[str, str]) -> Any:
    """Builds the settings of one of our services from an environment, as pydantic-settings does in its container."""
    given: dict[str, Any] = {key.removeprefix("VITRINE_").lower(): value for key, value in environment.items() if value}
    return SETTINGS[name](**given)
