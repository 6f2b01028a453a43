"""A package of our shape, for tests of closures."""

from pathlib import Path

import pytest


@pytest.fixture
def package(tmp_path) -> Path:
    """A package of the same shape as ours, small."""
    root = tmp_path / "safebasin"
    files = {
        "__init__.py": "",
        "steps/__init__.py": "",
        "steps/read_corpus.py": "from safebasin import words\n",
        "steps/judge_responses.py": "from safebasin.judging import judge\n",
        "judging/__init__.py": "",
        "judging/judge.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from safebasin import unused\n",
        "judging/phrases.py": "LIST = 'list.yaml'\n",
        "judging/list.yaml": "- no\n",
        "words.py": "N = 1\n",
        "unused.py": "M = 1\n",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root
