"""Print the JSON schema of a study, which editors can use for config.yaml."""

from __future__ import annotations

import argparse
import json

from safebasin.study.config import Study

EXAMPLE = "safebasin schema > study.schema.json"


def schema_text() -> str:
    """Return the schema as indented JSON with a final newline."""
    schema = Study.model_json_schema(by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["properties"]["extends"] = {
        "type": "string",
        "description": "A YAML file below this one, relative to it.",
    }
    return json.dumps(schema, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command has no arguments."""
    del parser


def run(options: argparse.Namespace) -> int:
    """Print the schema."""
    del options
    print(schema_text(), end="")
    return 0
