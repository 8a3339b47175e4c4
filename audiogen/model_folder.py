"""One folder is one model: codec, priors, vocabulary, format version, provenance.

    my-model/
      audiogen.json      format version, sample rate, parts, how each was trained
      vocabulary.json    artists, genres, lyric alphabet
      codec/ prior_2/ prior_1/ prior_0/      config.json, model.safetensors
      training/<part>/   resume state; may be deleted

Training writes into it and sampling reads it. Weights carry the hash of their content, so a
truncated or altered file is noticed; every file is replaced whole.
"""

import fcntl
import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from audiogen import files
from audiogen.codec.model import Codec, CodecConfig
from audiogen.conditioning.vocabulary import Vocabulary
from audiogen.config import Settings, validated
from audiogen.errors import UserError
from audiogen.prior.model import Prior, PriorConfig

FORMAT = 1
CODEC = "codec"


def prior_part(level: int) -> str:
    """Name the folder of a level's prior."""
    return f"prior_{level}"


class ModelFolder:
    """Reads and writes the parts of one model; holds no weights itself."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    # What is there

    def parts(self) -> list[str]:
        """Name the parts that have weights: the codec first, then priors, coarsest first."""
        found = [p.parent.name for p in self.path.glob("*/model.safetensors")]
        return sorted((p for p in found if p == CODEC or p.startswith("prior_")), key=_flow_order)

    def has_codec(self) -> bool:
        """Say whether a codec was saved."""
        return CODEC in self.parts()

    def has_prior(self, level: int) -> bool:
        """Say whether the prior of `level` was saved."""
        return prior_part(level) in self.parts()

    def training_folder(self, part: str) -> Path:
        """Give the folder of a part's resume state, log and previews."""
        return self.path / "training" / part

    def provenance(self, part: str) -> dict[str, Any]:
        """Say how a part was trained: hashes of config and data, steps."""
        return self._read_header().get("parts", {}).get(part, {})

    # Weights

    def save_codec(
        self, codec: Codec, provenance: Mapping[str, Any], state: Mapping[str, Tensor] | None = None
    ) -> None:
        """Save the codec, or `state` (for example the averaged weights) in its place."""
        self._save_part(CODEC, codec.config, state or codec.state_dict(), provenance)
        self._update_header(sample_rate=codec.config.sample_rate)

    def save_prior(
        self, prior: Prior, provenance: Mapping[str, Any], state: Mapping[str, Tensor] | None = None
    ) -> None:
        """Save one level's prior, or `state` in its place."""
        part = prior_part(prior.config.level)
        self._save_part(part, prior.config, state or prior.state_dict(), provenance)

    def load_codec(self) -> Codec:
        """Load the codec, ready to encode and decode.

        Raises:
            UserError: the folder is no model, has no codec, or a file is damaged.
        """
        return self._load_into(CODEC, CodecConfig, Codec)

    def load_prior(self, level: int) -> Prior:
        """Load the prior of `level`, ready to sample.

        Raises:
            UserError: as for `load_codec`.
        """
        return self._load_into(prior_part(level), PriorConfig, Prior)

    def codec_config(self) -> CodecConfig:
        """Read the codec's settings without its weights."""
        return self._read_config(CODEC, CodecConfig)

    def prior_config(self, level: int) -> PriorConfig:
        """Read a prior's settings without its weights."""
        return self._read_config(prior_part(level), PriorConfig)

    def codec_hash(self) -> str:
        """Hash what decides the codes: settings and weights of the codec; 16 digits."""
        return self.part_hash(CODEC)

    def part_hash(self, part: str) -> str:
        """Hash a part's settings and weights, from the header of its weight file; 16 digits."""
        metadata = self._read_metadata(part)
        text = metadata.get("config", "") + metadata.get("content_sha256", "")
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def model_hash(self) -> str:
        """Hash all parts; 16 digits."""
        text = "".join(part + self.part_hash(part) for part in self.parts())
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    # Vocabulary

    def has_vocabulary(self) -> bool:
        """Say whether labels and alphabet were collected."""
        return self._vocabulary_path.exists()

    def save_vocabulary(self, vocabulary: Vocabulary) -> None:
        """Save the names and the alphabet that the priors were trained with."""
        vocabulary.save(self._vocabulary_path)

    def load_vocabulary(self) -> Vocabulary:
        """Read the vocabulary.

        Raises:
            UserError: there is none, or it is damaged.
        """
        if not self.has_vocabulary():
            raise UserError(
                f"{self.path}: has no vocabulary.json; it is written when a prior is trained"
            )
        return Vocabulary.load(self._vocabulary_path)

    @property
    def _vocabulary_path(self) -> Path:
        return self.path / "vocabulary.json"

    # Files

    def _save_part(
        self,
        part: str,
        config: Settings,
        state: Mapping[str, Tensor],
        provenance: Mapping[str, Any],
    ) -> None:
        tensors = {name: value.detach().cpu().contiguous() for name, value in state.items()}
        config_json = json.dumps(config.to_json(), sort_keys=True)
        metadata = {"config": config_json, "content_sha256": _content_hash(tensors)}
        files.write_json(self.path / part / "config.json", config.to_json())
        files.write_tensors(self.path / part / "model.safetensors", tensors, metadata)
        self._update_header(parts={part: dict(provenance) | {"config": config.digest()}})

    def _load_into(self, part: str, config_kind: type, module_kind: type) -> Any:
        config = self._read_config(part, config_kind)
        tensors = self._read_tensors(part)
        with torch.device("meta"):
            module: nn.Module = module_kind(config)
        try:
            module.load_state_dict(tensors, assign=True)
        except RuntimeError as error:
            first = str(error).splitlines()[-1].strip()
            raise UserError(
                f"{self.path / part}: the weights do not fit config.json ({first}); "
                "restore both files from one training"
            ) from None
        return module.eval()

    def _read_config(self, part: str, kind: type) -> Any:
        self._check_present(part)
        path = self.path / part / "config.json"
        values = files.read_json(path)
        if values != json.loads(self._read_metadata(part).get("config", "null")):
            raise UserError(f"{path}: altered since the training; restore it from a copy")
        return validated(kind, values, source=str(path))

    def _read_metadata(self, part: str) -> dict[str, str]:
        self._check_present(part)
        path = self.path / part / "model.safetensors"
        try:
            with safetensors.safe_open(path, framework="pt") as file:
                return file.metadata() or {}
        except (safetensors.SafetensorError, OSError) as error:
            raise _damaged(path, error) from None

    def _read_tensors(self, part: str) -> dict[str, Tensor]:
        path = self.path / part / "model.safetensors"
        try:
            tensors = safetensors.torch.load_file(path)
        except (safetensors.SafetensorError, OSError) as error:
            raise _damaged(path, error) from None
        if _content_hash(tensors) != self._read_metadata(part).get("content_sha256"):
            raise _damaged(path, "its content does not match its hash")
        return tensors

    def _check_present(self, part: str) -> None:
        if not self.path.is_dir():
            raise UserError(f"{self.path}: no such model folder")
        header = self._read_header()
        if header.get("format", FORMAT) > FORMAT:
            raise UserError(
                f"{self.path}: written by a newer audiogen (format {header['format']}, this one "
                f"reads {FORMAT}); update audiogen"
            )
        if part not in self.parts():
            have = ", ".join(self.parts()) or "nothing"
            raise UserError(f"{self.path}: has no {part} (it has {have}); {_cure(part)}")

    @property
    def _header_path(self) -> Path:
        return self.path / "audiogen.json"

    def _read_header(self) -> dict[str, Any]:
        return files.read_json(self._header_path) if self._header_path.exists() else {}

    def _update_header(self, **changes: Any) -> None:
        with self._header_lock():
            header = {"format": FORMAT} | self._read_header()
            parts = header.get("parts", {}) | changes.pop("parts", {})
            files.write_json(self._header_path, header | changes | {"parts": parts})

    @contextmanager
    def _header_lock(self) -> Iterator[None]:
        # Two trainings may save parts of one model at the same moment.
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def trained_now(**facts: Any) -> dict[str, Any]:
    """Describe a training for the provenance of a part; the time is in UTC."""
    return facts | {"saved": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}


def _content_hash(tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        value = tensors[name]
        digest.update(f"{name}{tuple(value.shape)}{value.dtype}".encode())
        digest.update(value.flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _damaged(path: Path, why: object) -> UserError:
    return UserError(
        f"{path}: truncated or altered ({why}); restore it from a copy, or go on with its training "
        "(--resume), which writes it anew"
    )


def _cure(part: str) -> str:
    if part == CODEC:
        return "train it: audiogen train codec CONFIG --data MANIFEST --model FOLDER"
    level = part.removeprefix("prior_")
    return f"train it: audiogen train prior CONFIG --level {level} --codes CODES --model FOLDER"


def _flow_order(part: str) -> tuple[int, int]:
    return (0, 0) if part == CODEC else (1, -int(part.removeprefix("prior_")))
