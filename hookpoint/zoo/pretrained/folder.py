"""A folder that `save_pretrained` wrote: the config and the tensors of somebody's GPT-2, read one at a time.

Only safetensors are read. The older pytorch_model.bin is a pickle, and loading a pickle can run any code in it.
"""

import json
from pathlib import Path
from types import SimpleNamespace

from safetensors import SafetensorError, safe_open
from torch import Tensor

from hookpoint.errors import HookpointError
from hookpoint.model import Config
from hookpoint.model.transformers_adapter import config_from_transformers, their_shapes

# What transformers takes for granted where a config.json says nothing.
_DEFAULTS = {
    "n_inner": None,
    "activation_function": "gelu_new",
    "layer_norm_epsilon": 1e-5,
    "initializer_range": 0.02,
    "scale_attn_weights": True,
    "scale_attn_by_inverse_layer_idx": False,
    "add_cross_attention": False,
}
# Constants of older versions: the causal mask and the number that stood for -inf.
_BUFFERS = (".attn.bias", ".attn.masked_bias")


class Pretrained:
    """A GPT-2 in a folder. Its tensors are read when they are asked for, by their name in transformers.

    Attributes:
        cfg: Its sizes, as ours.

    Raises:
        HookpointError: There is no such folder, it holds no GPT-2 that ours can compute, or its files do not fit
            together. Nothing has been read but headers then.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not folder.is_dir():
            raise HookpointError(f"There is no folder {folder}.")
        self.cfg = _read_config(folder / "config.json")
        self._files = {}
        for path in _weight_files(folder):
            file = _opened(path)
            self._files |= dict.fromkeys(file.keys(), file)
        self._check()

    def __contains__(self, name: str) -> bool:
        return self._stored_name(name) in self._files

    def __getitem__(self, name: str) -> Tensor:
        stored = self._stored_name(name)
        return self._files[stored].get_tensor(stored)

    def _stored_name(self, name: str) -> str:
        """The name in the files: the published models lack the prefix, and a tied head is the embedding."""
        if name == "lm_head.weight" and name not in self._files:
            name = "transformer.wte.weight"
        bare = name.removeprefix("transformer.")
        return bare if bare in self._files else name

    def _check(self) -> None:
        """Every tensor is there in its shape, and none that we would leave out."""
        shapes = their_shapes(self.cfg)
        if "lm_head.bias" in self:
            shapes["lm_head.bias"] = [self.cfg.d_vocab]
        for name, wanted in shapes.items():
            stored = self._stored_name(name)
            if stored not in self._files:
                raise HookpointError(f"{self.folder} has no tensor {name}, which its config.json asks for.")
            found = self._files[stored].get_slice(stored).get_shape()
            if found != wanted:
                raise HookpointError(f"{self.folder}: {name} has the shape {found}; config.json asks for {wanted}.")
        known = {self._stored_name(name) for name in shapes}
        extra = sorted(name for name in self._files.keys() - known if not name.endswith(_BUFFERS))
        if extra:
            raise HookpointError(f"{self.folder} has a tensor {extra[0]}, which a GPT-2 has no place for.")


def _read_config(path: Path) -> Config:
    try:
        stored = dict(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise HookpointError(f"{path.parent} has no config.json; model.save_pretrained(folder) writes one.") from None
    except (OSError, ValueError, TypeError):
        raise HookpointError(f"{path} cannot be read as a config: it is damaged.") from None
    if stored.get("model_type") != "gpt2":
        raise HookpointError(f"{path} says model_type {stored.get('model_type')!r}; only 'gpt2' can be fetched.")
    try:
        return config_from_transformers(SimpleNamespace(**_DEFAULTS | stored), str(path))
    except AttributeError as error:
        raise HookpointError(f"{path} lacks {error.name}.") from None
    except ValueError as error:
        raise HookpointError(str(error)) from None


def _weight_files(folder: Path) -> list[Path]:
    single, index = folder / "model.safetensors", folder / "model.safetensors.index.json"
    if single.is_file():
        return [single]
    if index.is_file():
        try:
            return [folder / name for name in sorted(set(json.loads(index.read_text("utf-8"))["weight_map"].values()))]
        except (OSError, ValueError, KeyError, AttributeError):
            raise HookpointError(f"{index} is damaged.") from None
    pickles = sorted(folder.glob("pytorch_model*.bin"))
    if pickles:
        raise HookpointError(
            f"{pickles[0]} is a pickle, which can run code when it is read. Save the model again with a current "
            "transformers: model.save_pretrained(folder) writes model.safetensors."
        )
    raise HookpointError(f"{folder} has no model.safetensors; model.save_pretrained(folder) writes it.")


def _opened(path: Path) -> safe_open:
    try:
        return safe_open(path, "pt")
    except FileNotFoundError:
        raise HookpointError(f"{path} is missing.") from None
    except (OSError, SafetensorError):
        raise HookpointError(f"{path} is damaged or half copied.") from None
