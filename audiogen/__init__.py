"""Train and run your own Jukebox: `audiogen.Model` is a trained model folder.

The name is resolved when it is first used, so that `audiogen --help` answers at once.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from audiogen.model import Model as Model

__all__ = ["Model"]


def __getattr__(name: str) -> Any:
    if name == "Model":
        from audiogen.model import Model

        return Model
    raise AttributeError(f"module 'audiogen' has no attribute '{name}'")
