"""A real PostgreSQL server from a wheel, driven through its own `initdb` and `pg_ctl`."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psutil
import psycopg
from psycopg import sql
from vitrine.embedded.account import (
    Account,
    database_account,
    place_file,
    program_folder,
    reachable_home,
    run_as,
)
from vitrine.embedded.ports import LOOPBACK, free_port

_USER = "vitrine"
_START_ATTEMPTS = 8
_RETRY_S = 0.4
_COMMAND_TIMEOUT_S = 60
# 200 connections are enough for a pool of 10 in each of ten processes, and room for tests.
_SETTINGS = {"max_connections": "200", "shared_buffers": "64MB", "timezone": "UTC", "log_timezone": "UTC"}
# For tests only: a crash of the machine may lose everything. A crash of the server loses nothing, since
# commits still reach the operating system (`synchronous_commit` stays on); they only do not wait for the disk.
_VOLATILE = {"fsync": "off", "full_page_writes": "off", "autovacuum": "off"}


class PostgresError(RuntimeError):
    """PostgreSQL could not be set up, started or stopped; the message ends in what it said itself."""


class PostgresServer:
    """One cluster in one folder, reached by TCP on the loopback interface with a generated password.

    Every method blocks (a warm start takes about 0.4 s, the very first 2-4 s); call them from a thread in async code.

    Attributes:
        home: The folder of this server: `data/`, `password`, `postgres.log`. It differs from the wished one when the
            account that must run the server cannot reach that (see `vitrine.embedded.account`).
        port: The TCP port.
    """

    def __init__(self, home: Path, *, port: int | None = None, durable: bool = True) -> None:
        """Names a server; nothing is created or started yet.

        Args:
            home: The folder for its files.
            port: The TCP port on 127.0.0.1; a free one is chosen when not given.
            durable: False switches off every wait for the disk. For tests.
        """
        self._account: Account = database_account()
        self._durable = durable
        self._wished = home.absolute()
        self.home = reachable_home(home, self._account)
        self.port = port or free_port()
        self._server: psutil.Process | None = None  # what we have started, also when its files are gone

    @property
    def data(self) -> Path:
        """The cluster's data folder."""
        return self.home / "data"

    @property
    def log(self) -> Path:
        """The server's log file."""
        return self.home / "postgres.log"

    @property
    def pid(self) -> int | None:
        """Process id of the running server; None when it does not run."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
            process = psutil.Process(pid)
            # A killed server stays a zombie until its adopter looks; its number may also be somebody else's by now.
            alive = process.status() != psutil.STATUS_ZOMBIE and "postgres" in process.name()
        except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
            return None
        return pid if alive else None

    def url(self, database: str = "postgres") -> str:
        """Gives the SQLAlchemy address of a database.

        Args:
            database: Its name.
        """
        return f"postgresql+psycopg://{_USER}:{self._password()}@{LOOPBACK}:{self.port}/{database}"

    def start(self) -> None:
        """Creates the cluster if there is none, starts the server and waits until it answers.

        A server that still runs on this folder (its starter died) is stopped first: its port is not known to be ours.

        Raises:
            PostgresError: It does not start.
        """
        if not (self.data / "PG_VERSION").exists():
            self._initialize()
        if self.pid is not None:
            self.stop()
        for attempt in range(_START_ATTEMPTS):
            try:
                self._pg_ctl("start", "-l", str(self.log), "-o", self._server_options())
                break
            except PostgresError:
                # After kill -9 the dead server's children hold its shared memory for a moment longer.
                if attempt == _START_ATTEMPTS - 1:
                    raise
                time.sleep(_RETRY_S)
        self._wait_for_connection()
        self._server = psutil.Process(self.pid) if self.pid else None

    def stop(self) -> None:
        """Stops the server, rolling back open transactions; does nothing when it does not run."""
        if self.pid is not None:
            self._pg_ctl("stop", "-m", "fast")
        elif self._server is not None and self._server.is_running():
            self._server.send_signal(signal.SIGQUIT)  # its folder was removed: nothing is left to write to
            psutil.wait_procs([self._server], timeout=_COMMAND_TIMEOUT_S)

    def restart(self) -> None:
        """Stops the server cleanly and starts it on the same port."""
        self.stop()
        self.start()

    def kill(self) -> None:
        """Kills the server with SIGKILL, as a crash would; `start` recovers it."""
        pid = self.pid
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            while self.pid is not None:
                time.sleep(0.02)

    def delete(self) -> None:
        """Stops the server and removes its folder with all data."""
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)
        place_file(self._wished).unlink(missing_ok=True)

    def new_database(self, name: str | None = None) -> str:
        """Creates an empty database.

        Args:
            name: Its name; a random one when not given.

        Returns:
            Its SQLAlchemy address, `postgresql+psycopg://...`.
        """
        name = name or f"db_{secrets.token_hex(6)}"
        self._execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.url(name)

    def ensure_database(self, name: str) -> str:
        """Creates a database unless it exists.

        Args:
            name: Its name.

        Returns:
            Its SQLAlchemy address.
        """
        try:
            return self.new_database(name)
        except psycopg.errors.DuplicateDatabase:
            return self.url(name)

    def drop_database(self, name: str) -> None:
        """Drops a database and everybody's connections to it; does nothing when there is none.

        Args:
            name: Its name.
        """
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(self._conninfo(), autocommit=True) as connection:
            connection.execute(statement)

    def _conninfo(self) -> str:
        address = f"host={LOOPBACK} port={self.port} connect_timeout=5"
        return f"{address} user={_USER} password={self._password()} dbname=postgres"

    def _wait_for_connection(self) -> None:
        for attempt in range(_START_ATTEMPTS):
            try:
                psycopg.connect(self._conninfo()).close()
            except psycopg.OperationalError as error:
                if attempt == _START_ATTEMPTS - 1:
                    raise PostgresError(f"PostgreSQL started but does not answer: {error}") from error
                time.sleep(_RETRY_S)
            else:
                return

    def _initialize(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        password = self.home / "password"
        password.touch(mode=0o600)
        password.write_text(secrets.token_urlsafe(24))
        if not self._account.is_ours:
            for path in (self.home, password):
                os.chown(path, self._account.uid, self._account.gid)
        options = ["--username", _USER, "--pwfile", str(password), "--auth", "scram-sha-256", "--no-instructions"]
        options += ["--encoding", "UTF8", "--locale-provider", "builtin", "--locale", "C.UTF-8"]
        if not self._durable:
            options.append("--no-sync")
        self._command("initdb", "--pgdata", str(self.data), *options)

    def _server_options(self) -> str:
        settings = _SETTINGS if self._durable else _SETTINGS | _VOLATILE
        listen = {"listen_addresses": LOOPBACK, "port": str(self.port), "unix_socket_directories": ""}
        return " ".join(f"-c {name}='{value}'" for name, value in (settings | listen).items())

    def _pg_ctl(self, verb: str, *options: str) -> None:
        self._command("pg_ctl", verb, "--wait", "--silent", "--pgdata", str(self.data), *options)

    def _command(self, program: str, *arguments: str) -> None:
        """Runs one of PostgreSQL's programs; what it says goes to a file, since `pg_ctl start` leaves pipes open."""
        said = self.home / f"{program}.out"
        with said.open("w+") as out:
            try:
                code = subprocess.run(  # noqa: S603 - our own programs, no shell
                    [*run_as(self._account), str(program_folder(self._account) / program), *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                    timeout=_COMMAND_TIMEOUT_S,
                    check=False,
                    cwd=self.home,
                    env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"},
                    start_new_session=True,
                ).returncode
            except subprocess.TimeoutExpired as error:
                raise PostgresError(f"{program} did not end within {_COMMAND_TIMEOUT_S} s") from error
        if code != 0:
            raise PostgresError(f"{program} {arguments[0]} failed ({code}): {said.read_text()}{_tail(self.log)}")

    def _password(self) -> str:
        return (self.home / "password").read_text().strip()


def _tail(log: Path, lines: int = 20) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else ""
