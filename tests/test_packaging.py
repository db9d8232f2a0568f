"""What is shipped: a wheel that works in an environment of its own, with no Node to build anything."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from jupyter_webtorrent.kernel.fs import WebTorrentFileSystem
from jupyter_webtorrent.version import __version__

REPOSITORY = Path(__file__).parents[1]
LABEXTENSION = (
    f"jupyter_webtorrent-{__version__}.data/data/share/jupyter/labextensions/jupyter-webtorrent"
)
SERVER_CONFIG = (
    f"jupyter_webtorrent-{__version__}.data/data/etc/jupyter/"
    "jupyter_server_config.d/jupyter_webtorrent.json"
)

COLOURS = re.compile("\x1b\\[[0-9;]*m")


def build(target: str, folder: Path) -> Path:
    """Build a wheel or an sdist of the work tree, from the assets that `make install` has built."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)]
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, timeout=60)
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", tmp_path_factory.mktemp("wheel"))


@dataclass(frozen=True)
class Environment:
    """A virtual environment that holds the wheel, and sees the libraries of the one that runs the tests."""

    folder: Path

    def run(self, program: str, *arguments: str) -> str:
        """Run a program of the environment, as a user without Node; returns what it prints."""
        settings = {
            "HOME": str(self.folder / "home"),
            "LANG": "C.UTF-8",
            "PATH": str(self.folder / "bin"),
        }
        done = subprocess.run(
            [str(self.folder / "bin" / program), *arguments],
            cwd=self.folder,
            env=settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
            check=False,
        )
        output = COLOURS.sub("", done.stdout.decode())
        assert done.returncode == 0, output
        return output


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Environment:
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / "bin" / "python"
    # A .pth file lends the installed libraries, but not the .pth files among them: the package itself,
    # installed in place there, can only come from the wheel.
    own, lent = (
        Path(sysconfig.get_path("purelib", vars={"base": str(base)}))
        for base in (folder, sys.prefix)
    )
    (own / "lent.pth").write_text(f"{lent}\n")
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-index"]
    subprocess.run(
        [*pip, "--no-deps", "--ignore-installed", str(wheel)],
        check=True,
        timeout=60,
        env={**os.environ, "PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
    )
    return Environment(folder)


def test_the_wheel_holds_the_package_and_the_built_front_end(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        metadata = json.loads(archive.read(f"{LABEXTENSION}/package.json"))
        config = json.loads(archive.read(SERVER_CONFIG))
    assert {"jupyter_webtorrent/__init__.py", "jupyter_webtorrent/py.typed"} <= names
    assert {f"{LABEXTENSION}/static/style.js", f"{LABEXTENSION}/install.json"} <= names
    assert f"{LABEXTENSION}/{metadata['jupyterlab']['_build']['load']}" in names
    assert config == {"ServerApp": {"jpserver_extensions": {"jupyter_webtorrent": True}}}


def test_the_wheel_holds_what_widgets_send_to_a_page(wheel: Path) -> None:
    folder = "jupyter_webtorrent/kernel/widgets/anywidgets"
    sources = {f"{folder}/{path.name}" for path in (REPOSITORY / folder).glob("*.[jc]s*")}
    assert f"{folder}/copy.js" in sources
    with zipfile.ZipFile(wheel) as archive:
        assert sources <= set(archive.namelist())


def test_the_wheel_holds_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
    stem = f"jupyter_webtorrent-{__version__}"
    assert tops == {"jupyter_webtorrent", f"{stem}.data", f"{stem}.dist-info"}


def test_the_sdist_holds_sources_and_assets_but_no_caches(tmp_path: Path) -> None:
    with tarfile.open(build("sdist", tmp_path)) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames()}
    assert {
        "jupyter_webtorrent/labextension/static/style.js",
        "labextension/src/index.ts",
        "labextension/yarn.lock",
    } <= names
    caches = ("labextension/node_modules", "labextension/.yarn/", "labextension/lib", ".venv")
    assert not [name for name in names if name.startswith(caches)]


def test_jupyterlab_finds_the_extension(environment: Environment) -> None:
    listed = environment.run("python", "-m", "jupyterlab.labextensions", "list")
    (line,) = (line for line in listed.splitlines() if "jupyter-webtorrent v" in line)
    assert line.split()[:4] == ["jupyter-webtorrent", f"v{__version__}", "enabled", "OK"]


def test_the_jupyter_server_loads_the_extension(environment: Environment) -> None:
    listed = environment.run("python", "-m", "jupyter_server.extension.serverextension", "list")
    (line,) = (line for line in listed.splitlines() if f"jupyter_webtorrent {__version__}" in line)
    assert line.split()[-1] == "OK"


def test_the_package_comes_from_the_wheel(environment: Environment) -> None:
    found = environment.run("python", "-c", "import jupyter_webtorrent as it; print(it.__file__)")
    assert Path(found).is_relative_to(environment.folder)


def test_fsspec_finds_the_filesystem_by_its_scheme(environment: Environment) -> None:
    code = "from importlib.metadata import entry_points as e; print(e(group='fsspec.specs')['webtorrent'].value)"
    named = environment.run("python", "-c", code).strip()
    assert named == f"{WebTorrentFileSystem.__module__}:{WebTorrentFileSystem.__name__}"


def test_the_command_is_there(environment: Environment) -> None:
    assert "share" in environment.run("jupyter-webtorrent", "--help")


def test_importing_the_command_loads_neither_jupyter_nor_webrtc(environment: Environment) -> None:
    heavy = "{'IPython', 'aiortc', 'av', 'ipywidgets', 'jupyter_server', 'tornado'}"
    code = f"import sys, jupyter_webtorrent.cli.main; print({heavy} & set(sys.modules))"
    assert environment.run("python", "-c", code).strip() == "set()"


def test_the_front_end_has_the_package_s_version() -> None:
    package = json.loads((REPOSITORY / "labextension" / "package.json").read_bytes())
    assert package["version"] == __version__


def test_the_lock_file_names_no_registry() -> None:
    assert "://" not in (REPOSITORY / "labextension" / "yarn.lock").read_text()
