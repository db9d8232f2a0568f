"""The schemas of `openapi.json`, made of the models that the server reads and writes.

`python -m tests.server.openapi_schemas` writes them anew after a model has changed; the rest is written by hand.
"""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from typing import Any

import msgspec

from jupyter_webtorrent.schema import failures, settings, transfers
from jupyter_webtorrent.server import new_transfers
from jupyter_webtorrent.server.openapi import DOCUMENT

MODELS = [
    new_transfers.FetchBody,
    settings.SettingsStatus,
    transfers.SessionStatus,
    transfers.ShareRequest,
    transfers.TransferChange,
    transfers.TransferDetails,
    transfers.TransferEvent,
]
"""Those that are sent and read; what they are made of comes with them."""


def schemas() -> dict[str, Any]:
    """Every model by its name, with what its source says of each field."""
    _, components = msgspec.json.schema_components(
        MODELS, ref_template="#/components/schemas/{name}"
    )
    for name, schema in components.items():
        for field, text in _field_texts(_model(name)).items():
            if field in schema.get("properties", {}):
                schema["properties"][field]["description"] = text
    return dict(sorted(components.items()))


def _model(name: str) -> type:
    for module in (transfers, settings, failures, new_transfers):
        if hasattr(module, name):
            model = getattr(module, name)
            assert isinstance(model, type)
            return model
    raise LookupError(name)


def _field_texts(model: type) -> dict[str, str]:
    """The string below each field, also of the models that this one extends."""
    texts: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if issubclass(base, msgspec.Struct) and base is not msgspec.Struct:
            (definition,) = ast.parse(textwrap.dedent(inspect.getsource(base))).body
            assert isinstance(definition, ast.ClassDef)
            for field, text in zip(definition.body, definition.body[1:], strict=False):
                if (
                    isinstance(field, ast.AnnAssign)
                    and isinstance(field.target, ast.Name)
                    and isinstance(text, ast.Expr)
                    and isinstance(text.value, ast.Constant)
                ):
                    texts[field.target.id] = str(text.value.value)
    return texts


def current() -> str:
    """The document as it should be."""
    document = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    document["components"]["schemas"] = schemas()
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    DOCUMENT.write_text(current(), encoding="utf-8")
