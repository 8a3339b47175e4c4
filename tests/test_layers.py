"""Imports go one way, from sound to song."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "audiogen"

# Lowest first. A module may import its own layer and those before it.
LAYERS = [
    {"errors", "files", "interruption", "progress", "machine", "config", "torchaudio_guard"},
    {"data", "codec"},
    {"conditioning"},
    {"prior"},
    {"model_folder"},
    {"encoding", "sampling"},
    {"evaluation", "inspection", "interop"},
    {"training"},
    {"model", "doctor", "web"},
    {"demo"},
    {"cli", "__main__", "__init__"},
]
FOUNDATION = LAYERS[0]
MODULES = sorted(PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    relative = path.relative_to(PACKAGE)
    return relative.parts[0].removesuffix(".py")


def imported_modules(path: Path) -> set[str]:
    """Name the audiogen modules that a file imports, at its top or inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("audiogen"):
            whole = node.module == "audiogen"
            found |= {f"audiogen.{a.name}" for a in node.names} if whole else {node.module}
        elif isinstance(node, ast.Import):
            found |= {a.name for a in node.names if a.name.startswith("audiogen.")}
    return found


def imported_rooms(path: Path) -> set[str]:
    return {name.split(".")[1] for name in imported_modules(path)} - {room_of(path)}


def layer_of(room: str) -> int:
    return next(index for index, rooms in enumerate(LAYERS) if room in rooms)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_module_imports_only_what_stands_before_it(path):
    room = room_of(path)
    if room == "songbook":
        assert imported_rooms(path) <= FOUNDATION | {"data"}
        return
    too_high = {
        other for other in imported_rooms(path) - {"songbook"} if layer_of(other) > layer_of(room)
    }
    assert not too_high


def test_nothing_but_demo_and_cli_imports_the_songbook():
    users = {room_of(path) for path in MODULES if "songbook" in imported_rooms(path)}
    assert users <= {"demo", "cli"}


def test_codec_and_data_do_not_know_each_other():
    for path in MODULES:
        if room_of(path) == "codec":
            assert "data" not in imported_rooms(path)
        if room_of(path) == "data":
            assert "codec" not in imported_rooms(path)


def test_priors_know_nothing_of_the_codec_but_its_convolutions():
    users = {
        str(path.relative_to(PACKAGE)): {m for m in imported_modules(path) if ".codec" in m}
        for path in MODULES
        if room_of(path) in {"conditioning", "prior"}
    }
    users = {name: modules for name, modules in users.items() if modules}
    assert users == {"conditioning/upper_codes.py": {"audiogen.codec.convolution"}}


def test_only_its_guard_imports_torchaudio():
    users = set()
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if any(name.split(".")[0] == "torchaudio" for name in names):
                users.add(room_of(path))
    assert users <= {"torchaudio_guard"}
