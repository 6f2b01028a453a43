"""One canonical writer per file format: equal content gives equal bytes.

The libraries' own writers differ from run to run (dictionary order in safetensors metadata,
paths in PEFT's config), so every file of an artifact is written here.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from safebasin.store.canonical import Json

if TYPE_CHECKING:
    from torch import Tensor

_OS_ERROR = re.compile(r"\(os error (\d+)\)")
"""How Rust says what the operating system said."""


def write_json(path: Path, value: Json) -> None:
    """Write ``value`` as indented JSON with sorted keys and a final newline."""
    text = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def write_parquet(path: Path, table: pa.Table) -> None:
    """Write ``table`` with fixed settings and without pandas' or Arrow's own metadata."""
    pq.write_table(
        table.replace_schema_metadata(None),
        path,
        compression="zstd",
        compression_level=3,
        version="2.6",
        data_page_version="1.0",
        row_group_size=1 << 16,
        write_statistics=True,
        store_schema=False,
    )


def write_safetensors(path: Path, tensors: Mapping[str, Tensor], format_name: str = "pt") -> None:
    """Write ``tensors`` in name order with the one metadata key that PyTorch readers expect."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    ordered = {name: tensors[name].detach().contiguous().cpu() for name in sorted(tensors)}
    try:
        save_file(ordered, path, metadata={"format": format_name})
    except SafetensorError as problem:
        if told := _OS_ERROR.search(str(problem)):
            raise OSError(int(told[1]), os.strerror(int(told[1])), str(path)) from problem
        raise
    # safetensors makes it 0600, which no other user of the store could read.
    path.chmod(path.parent.stat().st_mode & 0o666)
