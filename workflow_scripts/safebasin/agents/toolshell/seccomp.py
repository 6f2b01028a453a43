"""The system calls that code in the sandbox may not make, as a filter for bubblewrap.

Namespaces alone leave holes that matter here. A VSOCK socket ignores the network namespace and
reaches a virtual machine's host; System V shared memory outlives the process that made it and
counts against no limit; a nested user namespace could mount file systems of its own.
Source: Linux, ``include/uapi/linux/{seccomp,filter,audit}.h`` and the system call tables.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from errno import ENOSYS, EPERM

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # offsets in seccomp_data, little-endian
_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000
_X32 = 0x40000000
_NEW_NAMESPACE = 0x7E020000
"""CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET together."""
_CLONE3 = 435
"""Its flags lie in memory that a filter cannot read; told that it is missing, libc uses clone."""

_AUDIT: Mapping[str, int] = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_CLONE: Mapping[str, int] = {"x86_64": 56, "aarch64": 220}
# fmt: off
_EVERYWHERE = (
    425, 426, 427,                      # io_uring_setup, _enter, _register
    428, 429, 430, 431, 432, 433, 442,  # open_tree, move_mount, fsopen … fspick, mount_setattr
    434, 438, 447,                      # pidfd_open, pidfd_getfd, memfd_secret
)
_DENIED: Mapping[str, tuple[int, ...]] = {
    "x86_64": (
        41, 29, 30, 31, 64, 68, 240,    # socket, shmget, shmat, shmctl, semget, msgget, mq_open
        272, 308, 165, 166, 155, 161,   # unshare, setns, mount, umount2, pivot_root, chroot
        101, 310, 311, 135,             # ptrace, process_vm_readv, process_vm_writev, personality
        248, 249, 250, 319,             # add_key, request_key, keyctl, memfd_create
        298, 321, 323, 304,             # perf_event_open, bpf, userfaultfd, open_by_handle_at
        175, 176, 313, 246, 320, 169, 167, 163, 179,  # modules, kexec, reboot, swapon, acct, quota
        *_EVERYWHERE,
    ),
    "aarch64": (
        198, 194, 196, 195, 190, 186, 180,
        97, 268, 40, 39, 41, 51,
        117, 270, 271, 92,
        217, 218, 219, 279,
        241, 280, 282, 265,
        105, 106, 273, 104, 294, 142, 224, 89, 60,
        *_EVERYWHERE,
    ),
}
# fmt: on


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _refuse(number: int, error: int) -> bytes:
    return _instruction(_EQUAL, number, 0, 1) + _instruction(_RETURN, _ERROR | error)


def system_call_filter(machine: str) -> bytes | None:
    """Return the filter for ``machine`` (as ``platform.machine`` names it), or None for others.

    A denied call fails with EPERM; a call by another architecture's table kills the process.
    """
    if machine not in _AUDIT:
        return None
    parts = [
        _instruction(_LOAD, _ARCHITECTURE),
        _instruction(_EQUAL, _AUDIT[machine], 1, 0) + _instruction(_RETURN, _KILL),
        _instruction(_LOAD, _NUMBER),
    ]
    if machine == "x86_64":
        parts.append(_instruction(_AT_LEAST, _X32, 0, 1) + _instruction(_RETURN, _KILL))
    parts += [_refuse(number, EPERM) for number in _DENIED[machine]]
    parts.append(_refuse(_CLONE3, ENOSYS))
    # Last, for it loads something else over the call's number.
    parts += [
        _instruction(_EQUAL, _CLONE[machine], 0, 3),
        _instruction(_LOAD, _FIRST_ARGUMENT),
        _instruction(_ANY_BIT, _NEW_NAMESPACE, 0, 1),
        _instruction(_RETURN, _ERROR | EPERM),
        _instruction(_RETURN, _ALLOW),
    ]
    return b"".join(parts)
