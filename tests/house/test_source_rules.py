"""Rules of the source that no linter knows.

Nothing runs code that comes from data (P10), and only the command line reads the environment.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

UNPICKLERS = {"pickle", "_pickle", "cloudpickle", "dill", "joblib", "jsonpickle", "marshal", "shelve"}
EVALUATORS = {"eval", "exec", "compile", "__import__"}
YAML_LOADERS = {"load", "load_all", "full_load", "full_load_all", "unsafe_load", "unsafe_load_all"}


def running_data(tree: ast.AST) -> Iterator[str]:
    """What in a module could run code that comes from a file."""
    safe_loaders = {"SafeLoader", "CSafeLoader"} | {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and [ast.unparse(base) for base in node.bases] == ["yaml.SafeLoader"]
    }
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (name.name for name in names if name.name.partition(".")[0] in UNPICKLERS)
            case ast.ImportFrom(module=str(module)) if module.partition(".")[0] in UNPICKLERS:
                yield module
            case ast.Call(func=ast.Name(id=name)) if name in EVALUATORS:
                yield name
            case ast.Call(func=ast.Attribute(value=ast.Name(id="yaml"), attr=name)) if name in YAML_LOADERS:
                if argument(node, "Loader").removeprefix("yaml.") not in safe_loaders:
                    yield f"yaml.{name}"
            case ast.Call(func=ast.Attribute(value=ast.Name(id="torch"), attr="load")):
                if argument(node, "weights_only") != "True":
                    yield "torch.load without weights_only=True"
            case ast.Call() if argument(node, "allow_pickle") not in {"", "False"}:
                yield "allow_pickle"


def reading_environment(tree: ast.AST) -> Iterator[str]:
    """Where a module asks for environment variables."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="os"), attr="environ" | "environb" | "getenv" as name):
                yield f"os.{name}"
            case ast.ImportFrom(module="os", names=names):
                yield from (f"os.{n.name}" for n in names if n.name in {"environ", "environb", "getenv"})


def argument(call: ast.Call, name: str) -> str:
    """Source of a named argument, or nothing."""
    return next((ast.unparse(keyword.value) for keyword in call.keywords if keyword.arg == name), "")


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from joblib import load",
        "eval('1')",
        "yaml.load(text, Loader=yaml.Loader)",
        "yaml.unsafe_load(text)",
        "class Own(yaml.Loader): ...\nyaml.load(text, Loader=Own)",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "np.load(path, allow_pickle=True)",
    ],
)
def test_code_that_runs_data_is_recognised(code: str) -> None:
    assert len(list(running_data(ast.parse(code)))) == 1


@pytest.mark.parametrize(
    "code",
    [
        "model.eval()",
        "re.compile('a')",
        "yaml.safe_load(text)",
        "class Own(yaml.SafeLoader): ...\nyaml.load(text, Loader=Own)",
        "torch.load(path, weights_only=True)",
        "np.load(path, allow_pickle=False)",
    ],
)
def test_safe_code_is_not_accused(code: str) -> None:
    assert list(running_data(ast.parse(code))) == []


@pytest.mark.parametrize("code", ["os.environ['HOME']", "os.getenv('HOME')", "from os import environ"])
def test_code_that_reads_the_environment_is_recognised(code: str) -> None:
    assert len(list(reading_environment(ast.parse(code)))) == 1


def test_p10_no_source_file_can_run_code_from_data(source_files: list[Path]) -> None:
    offences = {str(file): found for file in source_files if (found := list(running_data(parsed(file))))}
    assert offences == {}


def test_only_the_command_line_reads_the_environment(source_files: list[Path]) -> None:
    elsewhere = [file for file in source_files if "cli" not in file.parts]
    offences = {str(file): found for file in elsewhere if (found := list(reading_environment(parsed(file))))}
    assert offences == {}


def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"), file.name)
