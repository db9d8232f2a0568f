"""Notebook files: filled in with parameters, run from top to bottom, saved with what came of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from notebooks.demo.errors import DemoError
from notebooks.demo.kernels import running_kernel, text_of
from notebooks.demo.servers import JupyterServer

Notebook = dict[str, Any]
"""A notebook file (nbformat 4.5), and as `Cell` one of its cells."""
Cell = dict[str, Any]

CELL_SECONDS = 90.0
_PARAMETERS = "parameters"
"""The tag, as papermill has it, of the cell that holds what a reader fills in."""


async def run_notebook(
    server: JupyterServer, source: Path, parameters: Mapping[str, str] | None = None
) -> str:
    """Run a copy of `source` in the server's root; what its cells printed.

    The copy is saved with its outputs. Raises DemoError with the output of a cell that fails.
    """
    notebook: Notebook = _load(source)
    if parameters:
        fill_in(notebook, parameters)
    copy = server.root / source.name
    _save(notebook, copy)
    try:
        return await _run_cells(server, source.name, notebook)
    finally:
        _save(notebook, copy)


def fill_in(notebook: Notebook, parameters: Mapping[str, str]) -> None:
    """Put a cell that sets `parameters` behind the one that is tagged for it."""
    lines = "\n".join(f"{name} = {json.dumps(value)}" for name, value in parameters.items())
    for index, cell in enumerate(notebook["cells"]):
        if _PARAMETERS in cell["metadata"].get("tags", []):
            notebook["cells"].insert(index + 1, code_cell(lines, "filled-in"))
            return
    raise DemoError(f"no cell of the notebook is tagged {_PARAMETERS!r}")


def code_cell(source: str, cell_id: str) -> Cell:
    """A code cell that has not run."""
    return {
        "cell_type": "code",
        "id": cell_id,
        "metadata": {},
        "source": source,
        "execution_count": None,
        "outputs": [],
    }


async def _run_cells(server: JupyterServer, name: str, notebook: Notebook) -> str:
    printed = ""
    async with running_kernel(server, name) as kernel:
        for cell in notebook["cells"]:
            if cell["cell_type"] != "code":
                continue
            source = "".join(cell["source"])  # a string, or a list of lines
            where = f"{server.name}'s {name}, cell {cell['id']!r}"
            try:
                execution = await kernel.execute(source, seconds=CELL_SECONDS)
            except DemoError as error:
                raise DemoError(f"{where}: {error}", f"{source}\n{error.details}") from None
            cell["outputs"] = execution.outputs
            cell["execution_count"] = execution.count
            output = text_of(execution.outputs)
            if not execution.ok:
                raise DemoError(f"{where} failed", f"{source}\n{output}")
            printed += output
    return printed


def _load(path: Path) -> Notebook:
    notebook: Notebook = json.loads(path.read_text("utf-8"))
    return notebook


def _save(notebook: Notebook, path: Path) -> None:
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", "utf-8")
