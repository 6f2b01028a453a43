"""One safetensors file, read tensor by tensor without mapping it into memory.

A mapped file counts towards a process's resident memory as it is read, and a job's memory limit
counts it too. Plain reads into one buffer keep the promise that a few tensors are in memory,
whatever the file's size. Torch is imported only where a tensor is read.

Format: https://huggingface.co/docs/safetensors (8 bytes of header length, little endian, a JSON
header, then the data without holes).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from safebasin.errors import DamagedInput, RequestError
from safebasin.strict_json import parse_json

if TYPE_CHECKING:
    from torch import Tensor

DTYPES = {
    "F64": ("float64", 8),
    "F32": ("float32", 4),
    "F16": ("float16", 2),
    "BF16": ("bfloat16", 2),
    "I64": ("int64", 8),
    "I32": ("int32", 4),
    "I16": ("int16", 2),
    "I8": ("int8", 1),
    "U8": ("uint8", 1),
    "BOOL": ("bool", 1),
}
"""Name of a type in the header -> its name in torch and its size in bytes."""
FLOATS = ("F64", "F32", "F16", "BF16")
_LONGEST_HEADER = 100_000_000  # the format's own limit
_RUN = 1 << 20
"""Numbers that are read together where a tensor is read in runs: what a processor keeps near."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTensor:
    """Where one tensor lies in its file."""

    shape: tuple[int, ...]
    dtype: str
    """The type as the header names it: ``BF16``."""
    begin: int
    """Offset of the first byte from the start of the file."""
    size: int
    """Bytes."""


class TensorFile:
    """The tensors of one safetensors file, by name."""

    def __init__(self, path: Path) -> None:
        """Read the header of ``path``, no data.

        Raises:
            DamagedInput: the file is no whole safetensors file.
        """
        self.path = path
        self.tensors = _read_header(path)

    def read(self, name: str) -> Tensor:
        """Return the tensor ``name`` in its own dtype, on the CPU; each byte is read once.

        Raises:
            RequestError: the file holds no such tensor.
            DamagedInput: its dtype is not one that is known here, or the file ends too early.
        """
        import torch

        stored = self._known(name)
        tensor = torch.empty(stored.shape, dtype=getattr(torch, DTYPES[stored.dtype][0]))
        if stored.size:
            buffer = tensor.reshape(-1).view(torch.uint8).numpy().data
            with self.path.open("rb", buffering=0) as file:
                file.seek(stored.begin)
                _fill(buffer, file.readinto, f"{self.path}: {name}")
        return tensor

    def parts(self, name: str) -> Iterator[Tensor]:
        """Yield the numbers of the tensor ``name`` in runs, in its own dtype, on the CPU.

        All runs share one memory: each is gone when the next is taken.

        Raises:
            RequestError: the file holds no such tensor.
            DamagedInput: its dtype is not one that is known here, or the file ends too early.
        """
        import torch

        stored = self._known(name)
        kind, width = DTYPES[stored.dtype]
        numbers = stored.size // width
        shared = torch.empty(min(numbers, _RUN), dtype=getattr(torch, kind))
        buffer = shared.view(torch.uint8).numpy().data if numbers else memoryview(b"")
        with self.path.open("rb", buffering=0) as file:
            file.seek(stored.begin)
            for start in range(0, numbers, _RUN):
                count = min(_RUN, numbers - start)
                _fill(buffer[: count * width], file.readinto, f"{self.path}: {name}")
                yield shared[:count]

    def _known(self, name: str) -> StoredTensor:
        stored = self.tensors.get(name)
        if stored is None:
            raise RequestError(f"{self.path} holds no tensor {name!r}")
        if stored.dtype not in DTYPES:
            raise DamagedInput(
                f"{self.path}: {name} has dtype {stored.dtype}; one of {', '.join(DTYPES)} is right"
            )
        return stored


def _fill(buffer: memoryview, readinto: object, what: str) -> None:
    assert callable(readinto)
    done = 0
    while done < len(buffer):
        count = readinto(buffer[done:])
        if not count:
            raise DamagedInput(f"{what} ends {len(buffer) - done} bytes too early")
        done += count


def _read_header(path: Path) -> dict[str, StoredTensor]:
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            total = path.stat().st_size
            if not 2 <= length <= min(_LONGEST_HEADER, total - 8):
                raise DamagedInput(f"{path} is no safetensors file: a header of {length} bytes")
            header = parse_json(file.read(length).decode())
        tensors = {
            name: _entry(path, name, entry, 8 + length)
            for name, entry in header.items()
            if name != "__metadata__"
        }
    except FileNotFoundError as error:
        raise DamagedInput(f"{path} does not exist") from error
    except OSError as error:
        raise DamagedInput(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DamagedInput(f"{path} is no safetensors file: its header: {error}") from error
    _check_extents(path, tensors, 8 + length, total)
    return tensors


def _entry(path: Path, name: str, entry: dict[str, object], start: int) -> StoredTensor:
    shape, dtype, offsets = entry["shape"], entry["dtype"], entry["data_offsets"]
    whole = isinstance(shape, list) and isinstance(offsets, list) and len(offsets) == 2
    if not whole or not all(type(n) is int and n >= 0 for n in (*shape, *offsets)):  # type: ignore[misc]
        raise DamagedInput(f"{path}: {name} has shape {shape!r} and offsets {offsets!r}")
    assert isinstance(shape, list)
    assert isinstance(offsets, list)
    size = offsets[1] - offsets[0]
    width = DTYPES[str(dtype)][1] if dtype in DTYPES else None
    if width is not None and size != math.prod(shape) * width:
        raise DamagedInput(f"{path}: {name} has {size} bytes, shape {shape} of {dtype}")
    return StoredTensor(shape=tuple(shape), dtype=str(dtype), begin=start + offsets[0], size=size)


def _check_extents(path: Path, tensors: dict[str, StoredTensor], start: int, total: int) -> None:
    end = start
    for name, stored in sorted(tensors.items(), key=lambda item: (item[1].begin, item[1].size)):
        if stored.begin != end or stored.size < 0:
            raise DamagedInput(f"{path}: {name} begins at byte {stored.begin}, not at {end}")
        end = stored.begin + stored.size
    if end != total:
        raise DamagedInput(f"{path} has {total} bytes; its header describes {end}")
