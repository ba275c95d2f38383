"""What `deploy/Dockerfile` would make, without a container engine: its commands are run in a folder.

The folder has what the Dockerfile copies, and nothing else of the checkout. What only an engine can show (the base
image, users, layers) is not seen here.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from tests.support.platforms import ROOT, Process

pytestmark = pytest.mark.long


class Instruction(NamedTuple):
    name: str
    arguments: str


class Image(NamedTuple):
    """What came of the build stage, and the instructions of the last stage."""

    folder: Path
    stage: list[Instruction]

    def arguments(self, name: str) -> str:
        return next(instruction.arguments for instruction in self.stage if instruction.name == name)

    def inside(self, text: str) -> str:
        """A command or a path of the image, as it is here."""
        return text.replace("/opt/crypt-api", str(self.folder / "opt")).replace("/data", str(self.folder / "data"))


def instructions(dockerfile: str) -> list[Instruction]:
    lines = [line for line in dockerfile.splitlines() if line and not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [Instruction(*line.split(maxsplit=1)) for line in joined.splitlines()]


def stages(all_instructions: list[Instruction]) -> list[list[Instruction]]:
    starts = [index for index, instruction in enumerate(all_instructions) if instruction.name == "FROM"]
    return [all_instructions[start:end] for start, end in zip(starts, [*starts[1:], None], strict=True)]


def copy(arguments: str, folder: Path) -> None:
    *sources, target = arguments.split()
    for source in sources:
        path = ROOT / source
        is_folder = target.endswith("/") or len(sources) > 1
        destination = folder / target / path.name if is_folder else folder / target
        destination.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            shutil.copytree(path, destination, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(path, destination)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    folder = tmp_path_factory.mktemp("image")
    (folder / "build").mkdir()
    (folder / "data").mkdir()
    build, final = stages(instructions((ROOT / "deploy/Dockerfile").read_text()))
    image = Image(folder, final)
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    for instruction in build:
        if instruction.name == "COPY":
            copy(instruction.arguments, folder / "build")
        elif instruction.name == "RUN":
            command = ["sh", "-euc", image.inside(instruction.arguments)]
            subprocess.run(command, cwd=folder / "build", env=environment, check=True, timeout=600)  # noqa: S603
    return image


def environment(image: Image) -> dict[str, str]:
    """That of the image, but on loopback and on a port that is free."""
    pairs = (word.partition("=") for word in shlex.split(image.inside(image.arguments("ENV"))))
    variables = {name: value.replace("$PATH", "/usr/bin:/bin") for name, _, value in pairs}
    return variables | {"CRYPT_API_HOST": "127.0.0.1", "CRYPT_API_PORT": "0", "COVERAGE_PROCESS_START": ""}


@pytest.fixture
def server(image: Image) -> Iterator[Process]:
    program = json.loads(image.arguments("ENTRYPOINT")) + json.loads(image.arguments("CMD"))
    program[0] = str(image.folder / "opt/bin" / program[0])
    with Process(program, cwd=image.folder, env=environment(image)) as process:
        yield process


def health(image: Image, port: int) -> int:
    """The exit code of the image's own check."""
    [_, command] = image.arguments("HEALTHCHECK").split("CMD ")
    variables = environment(image) | {"CRYPT_API_PORT": str(port), "http_proxy": "http://127.0.0.1:9"}
    program = [str(image.folder / "opt/bin/python"), *json.loads(command)[1:]]
    return subprocess.run(program, env=variables, capture_output=True, check=False, timeout=30).returncode  # noqa: S603


def test_the_image_serves_and_its_own_check_says_so(image: Image, server: Process) -> None:
    url = server.wait_for(r"listening on (http\S+)")
    message_id = httpx.post(url, json={"message": "secret"}).json()["id"]
    assert httpx.get(f"{url}/{message_id}").json() == {"message": "secret"}
    assert (image.folder / "data/messages.db").exists()
    port = httpx.URL(url).port or 0
    assert health(image, port) == 0
    assert server.stop() == 0
    assert health(image, port) != 0


def test_nothing_but_the_server_is_in_it(image: Image) -> None:
    [packages] = (image.folder / "opt/lib").glob("python*/site-packages")
    names = {path.name for path in packages.iterdir()}
    assert {"crypt_api", "crypt_core"} <= names
    assert not names & {"pip", "crypt_worker", "entry.py", "pytest", "hatchling", "uv", "httpx", "rich"}
