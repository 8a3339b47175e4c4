"""The one place that imports torchaudio; the rest of the package takes it from here.

Its wheel holds a compiled extension linked to one build of torch, and beside another build the
import raises. We use only parts in pure PyTorch (resampling, mel scales, spectrograms), so where
the extension will not load, a stand-in for that one internal module takes its place.
"""

import importlib
import sys
import types
from collections.abc import Callable
from typing import Any, NoReturn

EXTENSION = "torchaudio._extension"


def _import_torchaudio() -> types.ModuleType:
    try:
        return importlib.import_module("torchaudio")
    except (OSError, RuntimeError, ImportError) as error:
        if not _raised_in_extension(error):
            raise
    # A failed import leaves the modules that it finished behind; they hold the broken parts.
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchaudio"]:
        del sys.modules[name]
    sys.modules[EXTENSION] = _stand_in()
    return importlib.import_module("torchaudio")


def _raised_in_extension(error: BaseException) -> bool:
    trace = error.__traceback__
    while trace is not None:
        name = str(trace.tb_frame.f_globals.get("__name__", ""))
        if name == EXTENSION or name.startswith(EXTENSION + "."):
            return True
        trace = trace.tb_next
    return False


def _stand_in() -> types.ModuleType:
    module = types.ModuleType(EXTENSION, "Stands in for a compiled extension that will not load.")
    vars(module).update(
        _IS_TORCHAUDIO_EXT_AVAILABLE=False, _IS_ALIGN_AVAILABLE=False, fail_if_no_align=_refuse
    )
    return module


def _refuse(function: Callable[..., Any]) -> Callable[..., NoReturn]:
    def refused(*_arguments: object, **_options: object) -> NoReturn:
        raise RuntimeError(
            f"torchaudio's {function.__name__} needs its compiled extension, which does not load "
            "beside this build of torch"
        )

    return refused


torchaudio = _import_torchaudio()
