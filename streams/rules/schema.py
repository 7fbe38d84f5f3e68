"""The rules file's JSON Schema, for editors: `python -m streams.rules.schema > FILE`."""

import json
import sys

from streams.rules.model import RulesFile


def text() -> str:
    """Return the schema as it is shipped in schemas/task-rules.schema.json."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **RulesFile.model_json_schema(),
        "title": "geophone's task rules",
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
