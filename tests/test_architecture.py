"""The house rules that a machine can check: who imports whom, sizes, and what is never written."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CORE = ROOT / "alas_core"

# The rooms from the ground up; a module imports from rooms above its own line only ("up" on this
# page). Modules of one line may import each other.
ROOMS = (
    ("errors",),
    (
        "keys",
        "definitions",
        "mode",
        "numerals",
        "packing",
        "readout",
        "resources",
        "files",
        "frontend",
        "consistency",
        "place",
        "setting_options",
        "terminal",
    ),
    ("types",),
    (
        "audio",
        "spectrogram",
        "words",
        "pauses",
        "paths",
        "similarity",
        "sinks",
        "layouts",
        "fingerprint",
    ),
    ("alignment", "tasks", "judges", "response_filter", "encoder"),
    ("reference", "models", "demo.model", "datasets"),
    ("scores", "geometry", "lens", "null", "projection", "reduction", "bundle"),
    ("mistakes", "perturbations", "rankings", "sensitivity", "variations"),
    ("parts", "sounds", "verdict"),
    ("store", "bundles", "citation", "findings", "tables", "assembly", "worked_example"),
    ("comparison", "contrasts", "quality"),
    ("pipeline",),
    ("series",),
    ("trials",),
    ("batch",),
    ("corpus",),
    ("figures",),
    ("report",),
    ("ui", "__main__", "demo"),
)
FORBIDDEN = {
    "types": {"torch", "transformers", "streamlit", "plotly", "fsspec"},
    "keys": {"torch", "transformers", "streamlit", "plotly", "fsspec"},
    "errors": {"numpy", "torch", "transformers", "streamlit", "plotly", "fsspec"},
    "figures": {"streamlit", "fsspec", "torch", "transformers"},
    "pipeline": {"streamlit", "plotly"},
    "scores": {"transformers", "streamlit", "plotly"},
    "null": {"transformers", "streamlit", "plotly"},
    "store": {"streamlit", "plotly", "torch", "transformers"},
    "ui": {"torch", "transformers", "umap", "sklearn", "scipy"},
    "pages": {"torch", "transformers", "umap", "sklearn", "scipy", "numpy", "pandas", "librosa"},
    "app": {"torch", "transformers", "umap", "sklearn", "scipy", "numpy", "pandas", "librosa"},
}
MODULES = sorted(CORE.rglob("*.py"))
PAGES = sorted((ROOT / "pages").glob("*.py")) + sorted(ROOT.glob("app.py"))


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def room_of(path: Path) -> str:
    if not path.is_relative_to(CORE):
        return "app" if path.name == "app.py" else "pages"
    return path.relative_to(CORE).parts[0].removesuffix(".py")


def imported_modules(path: Path) -> Iterator[tuple[str, int]]:
    """Dotted names that the file imports, wherever in it, but not those for type checkers only."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    unread = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in unread:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                yield f"{node.module}.{alias.name}", node.lineno


def level(module: str) -> int:
    """Line of ROOMS on which a module stands, by its own name or else by its room's."""
    room, _, rest = module.partition(".")
    for name in (f"{room}.{rest.partition('.')[0]}", room):
        for index, rooms in enumerate(ROOMS):
            if name in rooms:
                return index
    pytest.fail(f"alas_core/{room} has no place in ROOMS: decide which rooms it may import")


def names(paths: list[Path]) -> list[str]:
    return [relative(path) for path in paths]


@pytest.mark.parametrize("path", MODULES, ids=names(MODULES))
def test_imports_point_upward(path: Path) -> None:
    room = room_of(path)
    if room == "__init__":
        assert not list(imported_modules(path)), "the package itself imports nothing"
        return
    own = level(".".join(path.relative_to(CORE).with_suffix("").parts))
    wrong = []
    for name, line in imported_modules(path):
        package, _, module = name.partition(".")
        foreign = package == "alas_core" and module not in ("", "__version__")
        if foreign and module.split(".")[0] != room and level(module) > own:
            wrong.append(f"{relative(path)}:{line} imports {name}")
    assert not wrong


@pytest.mark.parametrize("path", MODULES + PAGES, ids=names(MODULES + PAGES))
def test_room_keeps_to_its_libraries(path: Path) -> None:
    room = room_of(path)
    forbidden = FORBIDDEN.get(room, set())
    if room not in ("ui", "pages", "app"):
        forbidden = forbidden | {"streamlit"}
    wrong = [
        f"{relative(path)}:{line} imports {name}"
        for name, line in imported_modules(path)
        if name.split(".")[0] in forbidden
    ]
    assert not wrong


def test_core_runs_without_streamlit() -> None:
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in MODULES
        if room_of(path) != "ui" and path.name not in ("__main__.py", "__init__.py")
    ]
    assert len(modules) > 10
    code = (
        "import importlib, sys\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        "sys.exit('streamlit' in sys.modules)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr or "streamlit was imported"


def test_every_part_of_the_dashboard_can_be_the_first_that_is_imported() -> None:
    """A server's first link may lead to any page, so no module may need another one before it."""
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in MODULES
        if room_of(path) == "ui" and path.name != "__init__.py"
    ]
    assert len(modules) > 10
    # In one process, which forgets the dashboard in between but keeps the libraries: they are slow.
    code = (
        "import importlib, sys\n"
        "wrong = []\n"
        f"for name in {modules!r}:\n"
        "    for known in [one for one in sys.modules if one.startswith('alas_core.ui')]:\n"
        "        del sys.modules[known]\n"
        "    try:\n"
        "        importlib.import_module(name)\n"
        "    except ImportError as error:\n"
        "        wrong.append(f'{name}: {error}')\n"
        "sys.exit('\\n'.join(wrong) or 0)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("path", MODULES + PAGES, ids=names(MODULES + PAGES))
def test_sizes(path: Path) -> None:
    """Module <= 300 lines, page <= 120, function body (without its docstring) <= 50."""
    limit = 300 if path.is_relative_to(CORE) else 120
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= limit, f"{relative(path)} has {lines} lines, the wall is {limit}"
    for function in functions(path):
        body = function.body[1:] if ast.get_docstring(function) else function.body
        length = body[-1].end_lineno - body[0].lineno + 1 if body else 0
        assert length <= 50, f"{relative(path)}: {function.name} has a body of {length} lines"


# Published only as pickles: read there, as tensors alone (see alas_core/models/pickled.py).
ONE_TORCH_LOAD = CORE / "models" / "pickled.py"


def only_tensors(call: ast.Call) -> bool:
    """Whether a call of torch.load says weights_only=True in so many words."""
    return any(
        keyword.arg == "weights_only" and ast.unparse(keyword.value) == "True"
        for keyword in call.keywords
    )


def misdeeds(call: ast.Call, path: Path) -> Iterator[str]:
    called = ast.unparse(call.func)
    if called == "torch.load" and path == ONE_TORCH_LOAD and only_tensors(call):
        return
    if called in {"print", "eval", "exec", "torch.load"}:
        yield f"calls {called}"
    for keyword in call.keywords:
        risky = keyword.arg in {"trust_remote_code", "allow_pickle", "unsafe_allow_html"}
        if risky and ast.unparse(keyword.value) != "False":
            yield f"sets {keyword.arg}"


@pytest.mark.parametrize("path", MODULES + PAGES, ids=names(MODULES + PAGES))
def test_nothing_unsafe_is_called(path: Path) -> None:
    """No print, no pickle, no torch.load, no remote code, no markup from data."""
    wrong = [
        f"{relative(path)}:{node.lineno} {deed}"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        for deed in misdeeds(node, path)
    ]
    imported = {name.split(".")[0] for name, _ in imported_modules(path)}
    assert not wrong
    if path == ONE_TORCH_LOAD:
        imported -= {"pickle"}  # for the class of its error
        assert "pickle.UnpicklingError" in path.read_text(encoding="utf-8")
        assert path.read_text(encoding="utf-8").count("pickle.") == 1
    assert not imported & {"pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}


def tracked_files() -> list[Path]:
    result = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if result.returncode != 0:
        pytest.skip("not a git checkout, so there is no list of tracked files")
    return [ROOT / name for name in result.stdout.split("\0") if name]


def test_no_path_of_one_machine() -> None:
    """Nothing that is committed names a folder that only its author has."""
    machine = re.compile(
        r"(?<![\w./~$}-])/(?:(?:home|Users)/\w[\w.-]+/|(?:work|root|mnt|workspace)/\w)"
    )
    found = []
    for path in tracked_files():
        if not path.is_file() or "vendor" in path.parts or path.stat().st_size > 1_000_000:
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{relative(path)}: {match.group()}" for match in machine.finditer(text)]
    assert not found


def test_no_file_is_too_large_to_clone() -> None:
    large = [
        f"{relative(path)}: {path.stat().st_size / 1e6:.1f} MB"
        for path in tracked_files()
        if path.is_file() and path.stat().st_size > 13e6
    ]
    assert not large


def test_requirements_are_pinned() -> None:
    for name in ("requirements.txt", "requirements-dev.txt", "requirements-extras.txt"):
        for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
            requirement = line.split("#")[0].strip()
            assert not requirement or re.fullmatch(r"[\w.\-\[\]]+==[\w.]+", requirement), line


def run_tool(*command: str) -> None:
    result = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_ruff_is_content() -> None:
    run_tool("ruff", "check", ".")


def test_format_is_the_house_format() -> None:
    run_tool("ruff", "format", "--check", ".")


@pytest.mark.slow
def test_mypy_is_content() -> None:
    run_tool("mypy")


def test_every_picture_that_the_readme_shows_is_there() -> None:
    shown = re.findall(r"assets/screenshots/[\w.-]+", (ROOT / "README.md").read_text())
    assert len(shown) == 14, "seven pages, light and dark"
    for path in shown:
        assert 0 < (ROOT / path).stat().st_size < 150_000, path
