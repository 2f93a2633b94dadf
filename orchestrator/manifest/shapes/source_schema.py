"""The JSON Schema of what an axis gets its values from; `sources` reads them."""

from typing import Final

from orchestrator.core.specs import JsonObject

_SKIP: Final[JsonObject] = {
    "type": "array",
    "minItems": 1,
    "items": {
        "anyOf": [
            {"type": "integer", "minimum": 1},
            {"type": "string", "pattern": r"^\s*(empty|missing\s+file)\s+\S"},
        ]
    },
    "description": "Rows to leave out: row numbers, `empty COLUMN`, `missing file COLUMN`.",
}
_WHERE: Final[JsonObject] = {
    "type": "string",
    "description": "A condition over the columns; rows for which it does not hold are left out.",
}


def source_schema(value: JsonObject) -> JsonObject:
    """A list of values (each like `value`), a table, files by a pattern, or numbers."""
    return {
        "anyOf": [
            {"type": "array", "minItems": 1, "items": value},
            {
                "type": "object",
                "additionalProperties": False,
                "minProperties": 1,
                "properties": {
                    "csv": {
                        "type": "string",
                        "description": "A CSV file with a header: each row is a value.",
                    },
                    "delimiter": {"type": "string", "minLength": 1, "maxLength": 1, "default": ","},
                    "jsonl": {"type": "string", "description": "A file with one JSON object on each line."},
                    "xlsx": {
                        "type": "string",
                        "description": "A workbook: each row of a sheet below its header is a value.",
                    },
                    "sheet": {"type": "string", "description": "Its sheet; the first one when absent."},
                    "skip": _SKIP,
                    "where": _WHERE,
                    "glob": {
                        "type": "string",
                        "description": "Files that match: each has path, name and stem.",
                    },
                    "range": {
                        "type": "array",
                        "items": {"type": "integer"},
                        "minItems": 2,
                        "maxItems": 3,
                        "description": "First and last number, both included, and optionally a step.",
                    },
                },
            },
        ]
    }
