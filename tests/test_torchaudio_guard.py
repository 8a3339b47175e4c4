import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def run_with_torchaudio(folder: Path, files: dict[str, str], code: str) -> str:
    """Run code in a fresh process that finds a torchaudio made of these files first."""
    for name, content in files.items():
        path = folder / "torchaudio" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(content))
    script = f"import sys; sys.path[:0] = [{str(folder)!r}, {str(ROOT)!r}]\n{textwrap.dedent(code)}"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


FAKE = {
    "__init__.py": """
        from torchaudio import early
        from torchaudio import _extension, functional
    """,
    "early.py": "number = id(object())",
    "functional.py": """
        from torchaudio._extension import _IS_TORCHAUDIO_EXT_AVAILABLE, fail_if_no_align
        loaded = _IS_TORCHAUDIO_EXT_AVAILABLE

        @fail_if_no_align
        def forced_align():
            return "aligned"
    """,
}
SHOW = """
    from audiogen.torchaudio_guard import torchaudio
    print(torchaudio.functional.loaded)
    try:
        print(torchaudio.functional.forced_align())
    except RuntimeError as error:
        print(error)
"""


def test_an_extension_that_loads_is_used(tmp_path):
    extension = """
        _IS_TORCHAUDIO_EXT_AVAILABLE = True
        _IS_ALIGN_AVAILABLE = True
        def fail_if_no_align(function):
            return function
    """
    shown = run_with_torchaudio(tmp_path, FAKE | {"_extension/__init__.py": extension}, SHOW)
    assert shown.splitlines() == ["True", "aligned"]


def test_a_stand_in_replaces_an_extension_that_does_not_load(tmp_path):
    for error in ("OSError", "RuntimeError", "ImportError"):
        extension = {
            "_extension/__init__.py": "from .utils import load\nload()",
            "_extension/utils.py": f"def load():\n    raise {error}('built for another torch')",
        }
        shown = run_with_torchaudio(tmp_path / error, FAKE | extension, SHOW)
        first, second = shown.splitlines()
        assert first == "False"
        assert second == (
            "torchaudio's forced_align needs its compiled extension, which does not load "
            "beside this build of torch"
        )


def test_errors_from_elsewhere_in_torchaudio_are_not_hidden(tmp_path):
    files = {"__init__.py": "raise RuntimeError('something else')"}
    code = """
        try:
            import audiogen.torchaudio_guard
        except RuntimeError as error:
            print(error)
    """
    assert run_with_torchaudio(tmp_path, files, code) == "something else"


def test_the_installed_torchaudio_resamples_when_its_extension_fails(tmp_path):
    # A module finder makes the extension fail on machines where it would load.
    code = """
        import importlib.abc, sys, torch

        class Broken(importlib.abc.MetaPathFinder, importlib.abc.Loader):
            def find_spec(self, name, path, target=None):
                if name == "torchaudio._extension":
                    return importlib.util.spec_from_loader(name, self)

            def exec_module(self, module):
                exec("raise OSError('no such library')", module.__dict__)

        import importlib.util
        sys.meta_path.insert(0, Broken())
        from audiogen.torchaudio_guard import torchaudio
        print(torchaudio.functional.resample(torch.ones(1, 441), 44100, 22050).shape[1])
        print(torchaudio.functional.melscale_fbanks(201, 0.0, 8000.0, 20, 16000).shape[1])
    """
    assert run_with_torchaudio(tmp_path, {}, code).split() == ["221", "20"]
