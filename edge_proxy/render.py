"""Renders Envoy's bootstrap from the settings and the contract."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jinja2
import yaml

from edge_proxy.contract import ServiceRoutes, read_contract
from edge_proxy.files import CONTENT_TYPES, page_headers
from edge_proxy.replies import reply_mappers
from edge_proxy.scripts import answers_script, requests_script
from edge_proxy.settings import EdgeSettings

_TEMPLATE = Path(__file__).with_name("envoy.yaml.j2")


def render(settings: EdgeSettings) -> str:
    """Renders the bootstrap.

    Args:
        settings: The settings.

    Returns:
        YAML for `envoy -c`.
    """
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 - YAML
    )
    services = read_contract(settings.descriptors_file)
    text = environment.from_string(_TEMPLATE.read_text()).render(
        s=settings,
        services=services,
        clusters=[_cluster(name, targets) for name, targets in settings.targets.items()],
        jwks=_jwks(settings.jwks),
        otlp=_endpoint(settings.otlp_endpoint) if settings.otlp_endpoint else None,
        origins=[_origin_pattern(origin) for origin in settings.allowed_origins],
        requests_script=requests_script(settings.descriptors_file, settings.max_message_bytes),
        answers_script=answers_script(),
        reply_mappers=reply_mappers(),
        content_types=CONTENT_TYPES,
        page_headers=page_headers(tls=settings.tls_certificate is not None),
        regex=_regex,
    )
    yaml.safe_load(text)
    return text


def _cluster(name: str, targets: tuple[str, ...]) -> dict[str, Any]:
    endpoints = [_endpoint(target) for target in targets]
    fixed = all(re.fullmatch(r"[0-9.]+|\[?[0-9a-f:]+\]?", endpoint["host"]) for endpoint in endpoints)
    return {"name": name, "endpoints": endpoints, "fixed": fixed, "http": name.endswith("_http")}


def _endpoint(target: str) -> dict[str, Any]:
    host, separator, port = target.rpartition(":")
    if not separator or not port.isdigit():
        raise ValueError(f"expected `host:port`, got {target!r}")
    return {"host": host, "port": int(port)}


def _jwks(location: str) -> dict[str, Any]:
    """Tells where the keys are: a file, or a URL taken apart for the cluster that fetches it."""
    if not location.startswith(("http://", "https://")):
        return {"file": str(Path(location.removeprefix("file://")).absolute())}
    parts = urlsplit(location)
    tls = parts.scheme == "https"
    return {"url": location, "host": parts.hostname, "port": parts.port or (443 if tls else 80), "tls": tls}


def _origin_pattern(origin: str) -> str:
    return "[^/]*".join(re.escape(part) for part in origin.split("*"))


def _regex(service: ServiceRoutes, methods: list[str]) -> str:
    return f"/{re.escape(service.name)}/({'|'.join(methods)})"
