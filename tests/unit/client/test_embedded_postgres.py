"""The embedded PostgreSQL: real server, real crashes."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import psutil
import psycopg
import pytest
from vitrine.embedded import account
from vitrine.embedded.postgres import PostgresServer

pytestmark = pytest.mark.service


def _connect(url: str) -> psycopg.Connection:
    return psycopg.connect(url.replace("+psycopg", ""), autocommit=True)


def _count(url: str) -> int:
    with _connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM t").fetchone()
    assert row is not None
    return int(row[0])


def test_databases_are_empty_and_apart(postgres: PostgresServer) -> None:
    first, second = postgres.new_database(), postgres.new_database()
    for url in (first, second):
        with _connect(url) as connection:
            connection.execute("CREATE TABLE t (n int)")
    assert first != second
    assert _count(first) == _count(second) == 0


def test_password_is_needed_and_kept_to_its_owner(postgres: PostgresServer) -> None:
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(f"host=127.0.0.1 port={postgres.port} user=vitrine dbname=postgres password=guess")
    assert (postgres.home / "password").stat().st_mode & 0o077 == 0


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> PostgresServer:
    return PostgresServer(tmp_path_factory.mktemp("own") / "server", durable=False)


def test_data_survive_kill_stop_and_restart(own: PostgresServer) -> None:
    own.start()
    try:
        url = own.ensure_database("shop")
        with _connect(url) as connection:
            connection.execute("CREATE TABLE t AS SELECT 1 AS n")
        own.kill()
        assert own.pid is None
        own.start()
        assert _count(url) == 1
        own.restart()
        assert own.ensure_database("shop") == url
        assert _count(url) == 1
    finally:
        own.stop()
    assert own.pid is None
    own.delete()
    assert not own.home.exists()


def test_home_of_root_is_replaced_by_a_reachable_folder(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    stranger = account.Account(os.geteuid() + 12345, os.getegid())
    assert not account.is_reachable(closed / "home", stranger)
    place = account.reachable_home(closed / "home", stranger)
    assert place == account.reachable_home(closed / "home", stranger)
    assert not place.is_relative_to(tmp_path)
    assert account.reachable_home(closed / "home", account.Account(os.geteuid(), os.getegid())) == closed / "home"
    account.place_file(closed / "home").unlink()
    assert place != account.reachable_home(closed / "home", stranger)


def test_programs_that_somebody_else_has_put_into_the_temporary_folder_are_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account, "_shared_temporary_folder", lambda: tmp_path)
    monkeypatch.setattr(account, "is_reachable", lambda *_: False)
    monkeypatch.setattr(account, "_copy_programs", lambda _, copy: copy.mkdir(mode=0o755))
    other = account.Account(os.geteuid() + 1, os.getegid())
    programs = account.program_folder(other)
    (copy,) = tmp_path.iterdir()
    assert programs.is_relative_to(copy)
    copy.chmod(0o777)
    with pytest.raises(RuntimeError, match="not made by this account"):
        account.program_folder(other)


def test_server_whose_folder_was_removed_is_stopped(tmp_path: Path) -> None:
    server = PostgresServer(tmp_path / "server", durable=False)
    server.start()
    process = psutil.Process(server.pid)
    shutil.rmtree(server.home)
    assert server.pid is None
    server.stop()
    assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    server.delete()
