"""The API's description is what the models say and what the handlers do."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import schemathesis
from schemathesis.config import SchemathesisConfig
from tornado.web import RequestHandler

from jupyter_webtorrent.server.extension import ROUTES
from jupyter_webtorrent.server.openapi import DOCUMENT
from tests.kernel.servers import JupyterServer, jupyter_server
from tests.server.answers import API, Fetch
from tests.server.openapi_schemas import current

VERBS = ("get", "head", "post", "put", "patch", "delete")
GROUPS = {"([0-9a-fA-F]{40})": "{info_hash}", "(.+)": "{path}"}


def test_the_schemas_are_what_the_models_say() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == current(), (
        "run: python -m tests.server.openapi_schemas"
    )


def documented() -> set[tuple[str, str]]:
    paths = json.loads(DOCUMENT.read_bytes())["paths"]
    return {(verb, path) for path, item in paths.items() for verb in item if verb in VERBS}


def served() -> set[tuple[str, str]]:
    """Every verb of every route, but for what answers where there is none."""
    found = set()
    for pattern, handler in ROUTES:
        if pattern.endswith("/.*"):
            continue
        path = pattern.removeprefix("webtorrent")
        for group, name in GROUPS.items():
            path = path.replace(group, name)
        choice = re.search(r"\(([a-z|]+)\)", path)
        paths = [path]
        if choice is not None:
            paths = [path.replace(choice[0], each) for each in choice[1].split("|")]
        for verb in VERBS:
            if getattr(handler, verb) is not getattr(RequestHandler, verb):
                found |= {(verb, path) for path in paths}
    return found


def test_every_route_is_described_and_none_besides() -> None:
    assert documented() == served()


async def test_the_document_is_served_and_its_server_is_beside_it(jp_fetch: Fetch) -> None:
    answer = await jp_fetch(API, "openapi.json")
    assert answer.headers["Content-Type"] == "application/json"
    assert json.loads(answer.body)["servers"][0]["url"] == "../../webtorrent"


async def test_a_verb_that_a_route_has_not_is_refused_with_those_it_has(jp_fetch: Fetch) -> None:
    answer = await jp_fetch(API, "settings", method="DELETE", raise_error=False)
    assert (answer.code, answer.headers["Allow"]) == (405, "GET, PUT, OPTIONS")


def requests_of_all_kinds(examples: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Calls a test with so many valid and invalid requests of each operation."""
    config = SchemathesisConfig.from_dict(
        {
            "generation": {"mode": "all", "max-examples": examples, "deterministic": True},
            "checks": {
                # What is valid may still name a file or a transfer that is not there.
                "positive_data_acceptance": {"enabled": False},
            },
            "phases": {"stateful": {"enabled": False}},
        }
    )
    schema = schemathesis.openapi.from_dict(json.loads(DOCUMENT.read_bytes()), config=config)
    decorator: Callable[[Callable[..., None]], Callable[..., None]] = schema.parametrize()
    return decorator


class Target:
    """A server with a share; nobody may name an absolute path there, or a request might share the whole disk."""

    def __init__(self, server: JupyterServer) -> None:
        self.url = f"{server.info['url']}webtorrent"
        self.headers = {"Authorization": f"token {server.info['token']}"}
        (server.root / "data.csv").write_text("1,2\n" * 999)
        answer = requests.post(
            f"{self.url}/api/share", json={"paths": ["data.csv"]}, headers=self.headers, timeout=10
        )
        self.info_hash = answer.json()["info_hash"]

    def hold(self, case: schemathesis.Case[Any]) -> None:
        """Send a request and check its answer; about half of those for one transfer are for that which is there."""
        info_hash = str(case.path_parameters.get("info_hash", ""))
        if re.match("[0-7a-c]", info_hash) and len(info_hash) == 40 and case.method != "DELETE":
            case.path_parameters["info_hash"] = self.info_hash
            if len(str(case.path_parameters.get("path", ""))) % 2:
                case.path_parameters["path"] = "data.csv"
        case.call_and_validate(base_url=self.url, headers=self.headers, timeout=10)


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    folder = tmp_path_factory.mktemp("openapi")
    authorizer = "--ServerApp.authorizer_class=tests.server.authorizers.NoKernels"
    with jupyter_server(folder / "server", authorizer) as server:
        yield Target(server)


@requests_of_all_kinds(10)
def test_every_operation_answers_as_its_description_says(
    case: schemathesis.Case[Any], target: Target
) -> None:
    target.hold(case)


@pytest.mark.prove
@pytest.mark.timeout(600)
@requests_of_all_kinds(500)
def test_every_operation_answers_as_its_description_says_to_many_requests(
    case: schemathesis.Case[Any], target: Target
) -> None:
    target.hold(case)
