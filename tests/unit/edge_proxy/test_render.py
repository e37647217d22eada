"""What is rendered for each place, checked by the real Envoy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf.descriptor_pb2 import FileDescriptorSet, MethodOptions

from edge_proxy.__main__ import main, validate
from edge_proxy.contract import read_contract
from edge_proxy.files import page_headers
from edge_proxy.render import render
from edge_proxy.settings import EdgeSettings, Profile
from ingest_svc.streams.settings import StreamSettings
from mesh.keys import SigningKey, key_set
from mesh.settings import settings_table

pytestmark = pytest.mark.unit
PROFILES: list[Profile] = ["loopback", "compose", "kubernetes"]


@pytest.fixture(scope="module")
def jwks(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("keys") / "jwks.json"
    path.write_text(key_set([SigningKey.generate()]))
    return str(path)


def _front(bootstrap: dict[str, Any]) -> dict[str, Any]:
    listeners = {listener["name"]: listener for listener in bootstrap["static_resources"]["listeners"]}
    manager: dict[str, Any] = listeners["front"]["filter_chains"][0]["filters"][0]["typed_config"]
    return manager


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("extras", [False, True], ids=["plain", "everything"])
def test_envoy_accepts(profile: Profile, extras: bool, jwks: str, tmp_path: Path) -> None:
    more: dict[str, Any] = {"dashboard": tmp_path, "otlp_endpoint": "collector:4317"} if extras else {}
    assert validate(render(EdgeSettings(profile=profile, jwks=jwks, **more))) == 0


def test_keys_from_a_url_are_fetched_over_verified_tls() -> None:
    bootstrap = yaml.safe_load(render(EdgeSettings(jwks="https://issuer.example/keys.json")))
    cluster = next(each for each in bootstrap["static_resources"]["clusters"] if each["name"] == "jwks")
    tls = cluster["transport_socket"]["typed_config"]
    assert tls["sni"] == "issuer.example"
    assert tls["auto_sni_san_validation"] is True
    assert tls["common_tls_context"]["validation_context"]["trusted_ca"]["filename"]


@pytest.mark.parametrize("profile", PROFILES)
def test_admin_pages_stay_on_loopback(profile: Profile, jwks: str) -> None:
    bootstrap = yaml.safe_load(render(EdgeSettings(profile=profile, jwks=jwks, host="::")))
    assert bootstrap["admin"]["address"]["socket_address"]["address"] == "127.0.0.1"


def test_only_rpcs_without_side_effects_are_retried(jwks: str) -> None:
    settings = EdgeSettings(jwks=jwks)
    safe = {
        f"/{file.package}.{service.name}/{method.name}"
        for file in FileDescriptorSet.FromString(settings.descriptors_file.read_bytes()).file
        for service in file.service
        for method in service.method
        if method.options.idempotency_level == MethodOptions.NO_SIDE_EFFECTS
    }
    retried = set()
    for route in _front(yaml.safe_load(render(settings)))["route_config"]["virtual_hosts"][0]["routes"]:
        if "retry_policy" in route.get("route", {}):
            prefix, _, methods = route["match"]["safe_regex"]["regex"].replace("\\", "").rpartition("/")
            retried |= {f"{prefix}/{method}" for method in methods.strip("()").split("|")}
    assert retried
    assert retried <= safe


def test_every_stream_has_no_time_limit_but_an_idle_limit(jwks: str) -> None:
    routes = _front(yaml.safe_load(render(EdgeSettings(jwks=jwks))))["route_config"]["virtual_hosts"][0]["routes"]
    streams = [route["route"] for route in routes if route["name"].endswith("/streams")]
    assert len(streams) == len(
        [each for each in read_contract(EdgeSettings(jwks=jwks).descriptors_file) if each.streams]
    )
    assert {route["timeout"] for route in streams} == {"0s"}
    assert all(route["idle_timeout"] != "0s" for route in streams)


def test_cors_answers_before_tokens_are_checked(jwks: str) -> None:
    names = [
        each["name"].rpartition(".")[2]
        for each in _front(yaml.safe_load(render(EdgeSettings(jwks=jwks))))["http_filters"]
    ]
    order = ["cors", "grpc_web", "jwt_authn", "local_ratelimit", "lua", "grpc_json_transcoder", "router"]
    assert [name for name in names if name in order] == order


def test_new_streams_go_to_the_process_with_the_fewest(jwks: str) -> None:
    targets = ("127.0.0.1:1", "127.0.0.1:2")
    settings = EdgeSettings(jwks=jwks, ingest_targets=targets, ingest_http_targets=targets)
    clusters = {each["name"]: each for each in yaml.safe_load(render(settings))["static_resources"]["clusters"]}
    for name in ("ingest", "ingest_http"):
        [policy] = clusters[name]["load_balancing_policy"]["policies"]
        assert policy["typed_extension_config"]["typed_config"]["selection_method"] == "FULL_SCAN"


def test_a_session_ends_with_words_before_the_edge_cuts_it_off(jwks: str) -> None:
    longest_s = StreamSettings().max_session_s
    assert EdgeSettings(jwks=jwks).stream_max_duration_s > longest_s + 60  # with the keyframe in work


def test_readme_lists_every_setting() -> None:
    assert settings_table(EdgeSettings) in (Path(__file__).parents[3] / "edge_proxy/README.md").read_text()


def test_command_line_needs_keys_and_prints_yaml(jwks: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["render"]) == 2
    assert "jwks" in capsys.readouterr().err
    assert main(["render", "--jwks", jwks, "--port", "18080", "--vision-targets", "a:1, b:2"]) == 0
    bootstrap = yaml.safe_load(capsys.readouterr().out)
    assert bootstrap["static_resources"]["listeners"][0]["address"]["socket_address"]["port_value"] == 18080
    vision = next(each for each in bootstrap["static_resources"]["clusters"] if each["name"] == "vision")
    assert [
        point["endpoint"]["address"]["socket_address"]["address"]
        for point in vision["load_assignment"]["endpoints"][0]["lb_endpoints"]
    ] == ["a", "b"]


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_pages_stay_with_tls_where_the_edge_speaks_it(tls: bool) -> None:
    assert ("strict-transport-security" in page_headers(tls=tls)) is tls
