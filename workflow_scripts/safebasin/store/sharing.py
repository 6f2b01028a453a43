"""A store of several users: what each makes there, the others of its group may go on with.

A store is shared when its folder is its group's to write and hands the group on (setgid), as
``chmod g+ws`` makes it. The mode of that folder says so, and nothing else; each user's umask stays
what it is everywhere else.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_GROUP = stat.S_IRWXG


def is_shared(root: Path) -> bool:
    """Say whether the store at ``root`` is its group's."""
    try:
        mode = root.stat().st_mode
    except OSError:
        return False
    return bool(mode & stat.S_ISGID and mode & stat.S_IWGRP)


@contextmanager
def shared_as(root: Path) -> Iterator[None]:
    """Let the group write what this process makes, if the store at ``root`` is shared."""
    if not is_shared(root):
        yield
        return
    kept = os.umask(0o077)
    os.umask(kept & ~_GROUP)
    try:
        yield
    finally:
        os.umask(kept)


def let_group_read(path: Path, root: Path, draft: Path) -> None:
    """Make the file one that the store's group can read.

    It may be another place's file by a second name (a link into a user's cache), of another group
    and closed to others: then a copy takes its place. It is made as ``draft``, which is none of the
    artifact's names: those are whatever a source says.
    """
    found, group = path.stat(), root.stat().st_gid
    if found.st_mode & stat.S_IROTH or (found.st_gid == group and found.st_mode & stat.S_IRGRP):
        return
    shutil.copyfile(path, draft)
    draft.replace(path)
