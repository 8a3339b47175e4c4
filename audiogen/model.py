"""A trained model in Python: load, encode, decode, sample, save, share."""

import shutil
import tempfile
from functools import cached_property
from pathlib import Path
from typing import Any

from torch import Tensor

from audiogen import machine
from audiogen.codec.model import Codec
from audiogen.conditioning.vocabulary import Vocabulary
from audiogen.config import validated
from audiogen.errors import UserError
from audiogen.model_folder import ModelFolder
from audiogen.sampling.request import SongRequest
from audiogen.sampling.song import Song, sample_song

NOT_TRAINING = shutil.ignore_patterns("training", ".lock")


class Model:
    """One model folder, its codec loaded when first used and its priors when they sing."""

    def __init__(self, folder: ModelFolder) -> None:
        machine.prepare()
        self.folder = folder

    @classmethod
    def from_pretrained(cls, path_or_hub_id: str | Path) -> "Model":
        """Open a model folder, or a model of the Hub by its name ("owner/name").

        A path that exists is never looked up elsewhere.

        Raises:
            UserError: neither a folder nor the name of a model.
        """
        path = Path(path_or_hub_id)
        if not path.exists():
            path = _downloaded(str(path_or_hub_id))
        folder = ModelFolder(path)
        folder.codec_config()
        return cls(folder)

    def save_pretrained(self, path: str | Path) -> None:
        """Copy the model, without its resume state, to a folder that does not exist yet.

        Raises:
            UserError: the folder exists.
        """
        path = Path(path)
        if path.exists():
            raise UserError(f"{path}: exists already; name a new folder")
        partial = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
        shutil.copytree(self.folder.path, partial, ignore=NOT_TRAINING, dirs_exist_ok=True)
        partial.chmod(self.folder.path.stat().st_mode)
        partial.rename(path)

    def push_to_hub(self, name: str, **options: Any) -> None:
        """Upload the model, without its resume state, as "owner/name"."""
        from huggingface_hub import HfApi

        api = HfApi()
        api.create_repo(name, exist_ok=True, **options)
        api.upload_folder(
            repo_id=name, folder_path=self.folder.path, ignore_patterns=["training/*", ".lock"]
        )

    @cached_property
    def codec(self) -> Codec:
        """The codec, on the device that sampling uses."""
        return self.folder.load_codec().to(machine.default_device())

    @property
    def vocabulary(self) -> Vocabulary:
        """Artists, genres and letters that the model knows."""
        return self.folder.load_vocabulary()

    @property
    def sample_rate(self) -> int:
        """Audio samples a second."""
        return self.codec.config.sample_rate

    def encode(self, waveform: Tensor) -> list[Tensor]:
        """Turn (batch, channel, sample) into codes (batch, frame), finest level first."""
        return self.codec.encode(waveform)

    def decode(self, codes: list[Tensor], level: int = 0) -> Tensor:
        """Render the codes of `level`, one of the list that `encode` gives.

        Returns:
            (batch, channel, sample) float32.
        """
        return self.codec.decode(codes[level], level)

    def sample(self, *, output: str | Path | None = None, **request: Any) -> Song:
        """Sing. The arguments are those of `SongRequest`: lyrics, genre, artist, seconds, seed...

        Args:
            output: Song folder to write; without it nothing is kept but what is returned.
            request: What is asked for.

        Raises:
            UserError: the model cannot do what is asked.
        """
        asked = validated(SongRequest, request, source="sample")
        if output is not None:
            return sample_song(self.folder, asked, Path(output))
        with tempfile.TemporaryDirectory() as folder:
            return sample_song(self.folder, asked, Path(folder) / "song", shown=False)


def _downloaded(name: str) -> Path:
    if name.count("/") != 1 or name.startswith((".", "/")):
        raise UserError(f"{name}: no such model folder")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        return Path(snapshot_download(name, ignore_patterns=["training/*"]))
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise UserError(f"{name}: neither a folder nor a model of the Hub ({reason})") from None
