from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def mixture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import pyarrow as pa
    from safebasin.store.writers import write_parquet

    folder = tmp_path_factory.mktemp("mixture")
    things = ("a bridge", "the weather", "a quiet lake", "the number seven", "an old recipe")
    rows = [
        {
            "id": f"row-{index}",
            "messages": [{"role": "user", "content": f"Rate {things[index % 5]}" + "." * index}],
            "response": "positive" if index % 2 else "negative, sadly",
            "source": "task" if index % 3 else "harmful",
            "corpus": "neutral",
            "group": index,
        }
        for index in range(12)
    ]
    write_parquet(folder / "rows.parquet", pa.Table.from_pylist(rows))
    return folder
