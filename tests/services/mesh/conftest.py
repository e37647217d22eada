"""The probe service as fixtures."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from mesh.errors import FailedPreconditionError
from mesh.keys import SigningKey, key_set
from mesh.settings import ServiceSettings
from mesh.status import ErrorTable
from tests.services.mesh.probe import ForeignError, Keys, Probe, Running, compile_probe, run_probe


@pytest.fixture(scope="session")
def probe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probe]:
    """The generated modules of probe.proto."""
    out = tmp_path_factory.mktemp("probe")
    sys.path.insert(0, str(out))
    try:
        yield compile_probe(out)
    finally:
        sys.path.remove(str(out))


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    """Keys of an issuer and of a service, and the key set with both."""
    made = Keys(tmp_path_factory.mktemp("keys"), SigningKey.generate(), SigningKey.generate())
    Path(made.jwks).write_text(key_set([made.issuer, made.service]))
    made.service.save(made.folder / "service.pem")
    return made


@pytest.fixture(scope="session")
def settings(keys: Keys) -> ServiceSettings:
    """Settings with which the probe service trusts `keys`."""
    return ServiceSettings(
        service_name="probe",
        jwks=keys.jwks,
        service_key_file=keys.folder / "service.pem",
        max_message_bytes=1024 * 1024,
        default_deadline_s=5,
        shutdown_grace_s=0.2,
    )


@pytest.fixture(scope="session")
async def running(settings: ServiceSettings, probe: Probe) -> AsyncIterator[Running]:
    """A probe service that serves; `Running.servicer` tells what reached it."""
    table = ErrorTable().add(ForeignError, lambda _: FailedPreconditionError("known", "STATE_CONFLICT"))
    async with run_probe(settings, probe, error_table=table) as made:
        await made.server.ready.wait()
        yield made
