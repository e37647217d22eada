"""One suite for every kind of object store: a directory, memory, and S3 (moto's server)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped]
import obstore
import pytest
from moto.server import ThreadedMotoServer
from obstore.store import LocalStore

from mesh.errors import NotFoundError, UnavailableError
from mesh.objects import ObjectStore

pytestmark = [
    pytest.mark.service,
    pytest.mark.filterwarnings("ignore::DeprecationWarning:botocore"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:moto"),
]

ACCESS = {"access_key_id": "test", "secret_access_key": "test", "region": "us-east-1"}


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@pytest.fixture(params=["file", "memory", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    """An empty store of each kind."""
    if request.param == "file":
        return ObjectStore(f"file://{tmp_path}/with space/objects")
    if request.param == "memory":
        return ObjectStore("memory://")
    endpoint = request.getfixturevalue("s3_endpoint")
    client(endpoint).create_bucket(Bucket=(bucket := f"b{abs(hash(tmp_path)) % 10**9}"))
    options = {**ACCESS, "endpoint": endpoint, "client_options": {"allow_http": True}}
    return ObjectStore(f"s3://{bucket}/prefix", s3_options=options)


def client(endpoint: str) -> Any:
    session = boto3.Session(ACCESS["access_key_id"], ACCESS["secret_access_key"], region_name=ACCESS["region"])
    return session.client("s3", endpoint_url=endpoint)


async def test_what_was_put_can_be_read(store: ObjectStore) -> None:
    await store.put("users/u1/captures/c1/crop.jpg", b"\xff\xd8 bytes", "image/jpeg")
    assert await store.get("users/u1/captures/c1/crop.jpg") == b"\xff\xd8 bytes"


async def test_what_a_killed_writer_left_is_swept_when_it_is_old(tmp_path: Path) -> None:
    store = ObjectStore(f"file://{tmp_path}")
    left: list[Path] = []

    def photograph() -> Iterator[bytes]:
        """Copies what obstore itself writes until an object is whole; a kill leaves exactly that."""
        yield b"x" * 8_000_000
        for path in [path for path in tmp_path.rglob("*") if path.is_file()]:
            left.append(path.with_name(path.name + "7"))
            left[-1].write_bytes(path.read_bytes())
        yield b"y"

    obstore.put(LocalStore(tmp_path), "a/picture.jpg", photograph(), chunk_size=1_000_000)
    assert left, "obstore writes to another place meanwhile"
    assert [key async for key in store.list()] == ["a/picture.jpg"]
    assert await store.sweep_unfinished(older_than_s=60) == 0
    assert await store.sweep_unfinished(older_than_s=-60) == len(left)
    assert not any(path.exists() for path in left)
    assert [key async for key in store.list()] == ["a/picture.jpg"]


async def test_memory_has_nothing_to_sweep() -> None:
    store = ObjectStore("memory://")
    await store.put("a", b"1")
    assert await store.sweep_unfinished(older_than_s=-60) == 0


async def test_second_put_replaces_the_first(store: ObjectStore) -> None:
    await store.put("a", b"1")
    await store.put("a", b"22")
    assert await store.get("a") == b"22"


async def test_missing_object_is_not_found(store: ObjectStore) -> None:
    with pytest.raises(NotFoundError) as caught:
        await store.get("missing")
    assert caught.value.reason == "RESOURCE_NOT_FOUND"


async def test_delete_tells_whether_there_was_one(store: ObjectStore) -> None:
    await store.put("a", b"1")
    assert [await store.delete("a"), await store.delete("a")] == [True, False]


async def test_folder_is_removed_and_its_neighbour_stays(store: ObjectStore) -> None:
    for key in ("users/12/a", "users/12/b/c", "users/123/a", "users/1/a"):
        await store.put(key, b"x")
    assert await store.delete_prefix("users/12") == 2
    assert sorted([key async for key in store.list()]) == ["users/1/a", "users/123/a"]
    assert await store.delete_prefix("users/12") == 0


async def test_list_below_a_folder(store: ObjectStore) -> None:
    for key in ("a/1", "a/2", "b/1"):
        await store.put(key, b"x")
    assert sorted([key async for key in store.list("a")]) == ["a/1", "a/2"]


@pytest.mark.parametrize("key", ["", "/a", "../a", "a/../b", "a//b", "a b", "a/", ".hidden", "ä", "a\n"])
async def test_keys_cannot_leave_their_folder(store: ObjectStore, key: str) -> None:
    with pytest.raises(ValueError, match="not a key"):
        await store.put(key, b"x")
    with pytest.raises(ValueError, match="not a key"):
        await store.get(key)


async def test_store_that_is_there_answers_a_ping(store: ObjectStore) -> None:
    await store.ping()


async def test_content_type_is_kept_on_s3(s3_endpoint: str) -> None:
    client(s3_endpoint).create_bucket(Bucket="types")
    options = {**ACCESS, "endpoint": s3_endpoint, "client_options": {"allow_http": True}}
    await ObjectStore("s3://types", s3_options=options).put("a", b"x", "image/jpeg")
    assert client(s3_endpoint).head_object(Bucket="types", Key="a")["ContentType"] == "image/jpeg"


async def test_store_that_does_not_answer_is_unavailable() -> None:
    store = ObjectStore(
        "s3://none",
        s3_options={
            **ACCESS,
            "endpoint": "http://127.0.0.1:1",
            "client_options": {"allow_http": True},
            "retry_config": {"max_retries": 0},
        },
    )
    with pytest.raises(UnavailableError) as caught:
        await store.get("a")
    assert caught.value.metadata == {"dependency": "objects"}


def test_other_kinds_of_url_are_refused() -> None:
    with pytest.raises(ValueError, match="objects_url must begin with"):
        ObjectStore("ftp://host/x")
