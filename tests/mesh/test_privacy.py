"""Nothing that a mesh writes shows a face or a full frame, tells a secret, or outlives an erasure.

One mesh of its own, which logs all it can: people send photographs and streams through the edge, and then everything
that was written is looked through: rows, objects, indexes, logs, temporary files. That the search would find what it is
after is shown by hiding it there.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import grpc
import pytest
from vitrine.embedded.mesh import EmbeddedMesh
from vitrine.ingest.v1 import privacy_service_pb2, stream_service_pb2
from vitrine.sdk import RpcFailure, Vitrine
from vitrine.sdk.transport import Ending

from imaging.faces import FULL_RANGE, FaceDetector
from tests.mesh.conftest import import_demo_catalog
from tests.mesh.sending import CROPPED, FRAMES, FULL_FRAMES, Sent, send_everything
from tests.mesh.stores import Stores
from tests.support.carving import pictures, spellings
from tests.support.evidence import FaceFinder, everything, files, places_of, rows, suspicious
from tests.support.mesh import client, running_mesh
from tests.support.plants import Plants
from tests.support.waiting import until

pytestmark = [pytest.mark.mesh, pytest.mark.timeout(300)]
_PRODUCTS = 12
_USER, _NAME = "ada.lovelace-7f3c", "Augusta Ada King"
_JWT = re.compile(rb"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.")


@dataclass
class Home:
    """The mesh of this file.

    Attributes:
        mesh: It.
        temporary: The folder of temporary files of all its processes.
        models: The model files of ingest.
    """

    mesh: EmbeddedMesh
    temporary: Path
    models: Path


@pytest.fixture(scope="module")
async def home(tmp_path_factory: pytest.TempPathFactory, models_dir: Path) -> AsyncIterator[Home]:
    folder = tmp_path_factory.mktemp("privacy")
    models = Path(shutil.copytree(models_dir, folder / "models"))
    temporary = folder / "temporary"
    temporary.mkdir()
    settings = {"*": {"LOG_LEVEL": "debug"}, "ingest": {"MODELS_DIR": str(models)}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(temporary))
        async with running_mesh(folder / "mesh", settings=settings) as mesh:
            await import_demo_catalog(mesh, folder / "catalog", _PRODUCTS)
            yield Home(mesh, temporary, models)


@pytest.fixture(scope="module")
def finder(models_dir: Path) -> FaceFinder:
    return FaceFinder(FaceDetector.load(models_dir))


@pytest.fixture(scope="module")
async def sent(home: Home) -> Sent:
    sent = await send_everything(home.mesh, _USER, _NAME)

    async def stream_is_kept() -> bool:
        return len(await Stores(home.mesh).rows("SELECT 1 FROM ingest.stream_results")) == len(FRAMES)

    await until(stream_is_kept)
    await asyncio.sleep(1)  # Envoy writes its log twice a second
    return sent


async def test_nothing_written_shows_a_face_or_a_full_frame(home: Home, sent: Sent, finder: FaceFinder) -> None:
    assert await suspicious(everything(home.mesh, home.temporary), finder) == {}
    kept = [path for path in home.mesh.home.objects.rglob("*.jpg") if path.stem in sent.ids]
    assert len(kept) == len(FULL_FRAMES) + len(CROPPED)
    assert len(sent.returned) == len(kept) + len(FRAMES)
    for data in sent.returned:
        (picture,) = pictures(data)
        assert [what for what in finder.findings(picture) if "face" in what] == []


async def test_no_byte_of_a_sent_picture_is_anywhere(home: Home, sent: Sent) -> None:
    parts = [data[at : at + 40] for data in sent.pictures for at in (len(data) // 8, len(data) // 2)]
    needles = [spelling for part in parts for spelling in spellings(part)]
    assert await places_of(everything(home.mesh, home.temporary), *needles) == []
    # Also not in what PostgreSQL has deleted, or logs ahead: its files as they are.
    assert await places_of(files(home.mesh.postgres.home), *parts) == []


async def test_no_secret_is_written(home: Home, sent: Sent) -> None:
    secrets = [secret.encode() for secret in sent.secrets] + [
        secret.rpartition(".")[2].encode() for secret in sent.secrets
    ]
    assert await places_of(everything(home.mesh, home.temporary), *secrets) == []
    logs = [(path.name, path.read_bytes()) for path in home.mesh.home.logs.iterdir()]
    assert {"access.log", "ingest.log", "worker.log", "vision.log", "profile.log"} <= {
        name for name, text in logs if text
    }
    for name, text in logs:
        assert _JWT.search(text) is None, name
        assert _NAME.encode() not in text, name
        assert not list(pictures(text)), name


async def test_search_finds_what_is_hidden(home: Home, finder: FaceFinder) -> None:
    """If anything kept a face or a frame in one of these ways, the tests above would say so."""
    async with Plants(home.mesh, home.temporary).hide(FRAMES[1]) as places:
        wrong = await suspicious(everything(home.mesh, home.temporary), finder)
    assert set(wrong) == places
    for findings in wrong.values():
        assert {"marker 11", "a face", "the face that was sent"} <= set(findings)


REFUSAL = grpc.StatusCode.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE"
BREAKAGES: dict[str, Callable[[Path], object]] = {
    "missing": Path.unlink,
    "corrupt": lambda model: model.write_bytes(model.read_bytes()[:-1000] + bytes(1000)),
}


@pytest.mark.parametrize("breakage", BREAKAGES.values(), ids=BREAKAGES.keys())
async def test_without_the_face_detector_nothing_is_taken(home: Home, breakage: Callable[[Path], object]) -> None:
    model = next(home.models.glob(f"*{FULL_RANGE.name}*"))
    whole, before = model.read_bytes(), await Stores(home.mesh).snapshot()
    direct = f"127.0.0.1:{home.mesh.ports('ingest')['grpc']}"
    token = home.mesh.keys.token(_USER)
    log = home.mesh.home.logs / "ingest.log"
    said = log.stat().st_size

    async def model_is_missed() -> bool:
        return FULL_RANGE.name.encode() in log.read_bytes()[said:]

    breakage(model)
    try:
        old = home.mesh.kill("ingest")
        await home.mesh.children["ingest"].successor_of(old)
        await until(model_is_missed)
        for target in (direct, home.mesh.edge_target):
            async with Vitrine(target, user=_USER, token=token) as ada:
                await until(partial(_is_refused, ada))
                assert await _refusal_of_stream(ada) == REFUSAL
        assert await Stores(home.mesh).snapshot() == before
    finally:
        model.write_bytes(whole)
        await home.mesh.wait_ready()


async def test_erasure_takes_all_that_the_export_shows(home: Home, sent: Sent) -> None:
    stores = Stores(home.mesh)
    kept = await _personal_rows(stores)
    objects = {path.stem: path.read_bytes() for path in home.mesh.home.objects.rglob("*.jpg") if path.stem in sent.ids}
    needles = [word.encode() for word in (_USER, _NAME, *sent.ids)]
    assert all([await places_of(everything(home.mesh), needle) for needle in needles])  # each stands somewhere now
    async with client(home.mesh, _USER) as ada:
        await _check_export(ada, sent, objects)
        request = privacy_service_pb2.EraseUserRequest(name=ada.user)
        receipt = (await ada.privacy.EraseUser(request)).receipt
    erased = {(entry.service, entry.kind): entry.item_count for entry in receipt.erased}
    assert {place: erased[place] for place in kept} == kept
    assert erased["ingest", "pictures"] == len(objects)
    assert {place: count for place, count in (await _personal_rows(stores)).items() if count} == {}
    for found in (rows(home.mesh), files(home.mesh.home.objects, home.mesh.home.index, home.temporary)):
        assert await places_of(found, *needles) == []


async def _is_refused(ada: Vitrine) -> bool:
    try:
        await ada.capture(CROPPED["close"])
    except RpcFailure as failure:
        # An answer, not a connection that is refused because the process is not there yet.
        return (failure.code, failure.reason) == REFUSAL
    pytest.fail("a photo was taken without looking for faces")


async def _refusal_of_stream(ada: Vitrine) -> tuple[grpc.StatusCode, str]:
    call = ada.streams.StreamFrames()
    ending = Ending(call)
    config = stream_service_pb2.StreamConfig(parent=ada.user)
    try:
        with contextlib.suppress(asyncio.InvalidStateError):  # it is over already: reading tells why
            await call.write(stream_service_pb2.StreamFramesRequest(config=config))
        await call.read()
    except grpc.aio.AioRpcError as error:
        failure = await ending.of(error)
        return failure.code, failure.reason
    pytest.fail("a stream was accepted without looking for faces")


async def _check_export(ada: Vitrine, sent: Sent, objects: dict[str, bytes]) -> None:
    request = privacy_service_pb2.ExportUserRequest(name=ada.user)
    parts = [part async for part in ada.privacy.ExportUser(request)]
    text = "\n".join(part.record.json for part in parts if part.HasField("record"))
    assert [word for word in (_USER, _NAME, *sent.ids) if word not in text] == []
    pieces: dict[str, bytes] = {}
    for part in parts:
        if part.HasField("file_part"):
            capture_id = part.file_part.path.split("/")[1]
            pieces[capture_id] = pieces.get(capture_id, b"") + part.file_part.data
    assert pieces == objects


async def _personal_rows(stores: Stores) -> dict[tuple[str, str], int]:
    """Counts the user's rows by schema and table, for every table with a column that names users."""
    query = (
        "SELECT table_schema, table_name FROM information_schema.columns WHERE column_name = 'user_id' "
        "AND table_schema IN ('ingest', 'profile', 'retrieval')"
    )
    tables = await stores.rows(query)
    return {
        (schema, table): (await stores.rows(f"SELECT count(*) FROM {schema}.{table} WHERE user_id = %s", _USER))[0][0]  # noqa: S608
        for schema, table in tables
    }
