"""GPT-2's own tokenizer files, vocab.json with merges.txt or tokenizer.json, as a `Tokenizer`.

What is stored beside a fetched model is one JSON file with the three keys that `gather` gives.
"""

import json
from pathlib import Path

from hookpoint.errors import HookpointError
from hookpoint.model.tokenizer import Tokenizer, bytes_to_unicode


def gather(folder: Path) -> dict | None:
    """The folder's vocabulary as `{"vocab": {token: id}, "merges": ["a b"], "special": [token]}`; None without files.

    Tokens are written in GPT-2's printable alphabet, special ones as they are.

    Raises:
        HookpointError: The files are damaged, or hold another kind of tokenizer than GPT-2's.
    """
    single, vocab, merges = (folder / name for name in ("tokenizer.json", "vocab.json", "merges.txt"))
    try:
        if single.is_file():
            stored = _from_single(json.loads(single.read_text(encoding="utf-8")), single)
        elif vocab.is_file() and merges.is_file():
            stored = _from_pair(json.loads(vocab.read_text(encoding="utf-8")), merges.read_text(encoding="utf-8"))
        else:
            return None
        build(stored)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise HookpointError(
            f"The tokenizer files in {folder} cannot be read. To fetch the model without a tokenizer, move them away."
        ) from None
    return stored


def build(stored: dict) -> Tokenizer:
    """The tokenizer of a vocabulary as `gather` gives it."""
    byte = {letter: number for number, letter in bytes_to_unicode().items()}

    def raw(token: str) -> bytes:
        return bytes(byte[letter] for letter in token)

    special = set(stored["special"])
    vocab = {number: token.encode() if token in special else raw(token) for token, number in stored["vocab"].items()}
    merges = [tuple(raw(part) for part in row.split(" ")) for row in stored["merges"]]
    return Tokenizer(vocab, merges, stored["special"])


def _from_single(content: dict, path: Path) -> dict:
    """Of tokenizer.json, which can hold any tokenizer there is."""
    model, cutter = content["model"], content.get("pre_tokenizer") or {}
    as_gpt2 = (
        model["type"] == "BPE"
        and cutter.get("type") == "ByteLevel"
        and cutter.get("use_regex", True)
        and not cutter.get("add_prefix_space")
        and content.get("normalizer") is None
    )
    if not as_gpt2:
        raise HookpointError(
            f"{path} holds another kind of tokenizer than GPT-2's byte-level BPE. To fetch the model without a "
            "tokenizer, move it away."
        )
    added = {token["content"]: token["id"] for token in content.get("added_tokens", [])}
    rows = [row if isinstance(row, str) else " ".join(row) for row in model["merges"]]
    return {"vocab": model["vocab"] | added, "merges": rows, "special": list(added)}


def _from_pair(vocab: dict[str, int], merges: str) -> dict:
    """Of the published pair of files: special is what is neither a byte nor a merge."""
    rows = [row for row in merges.splitlines() if row and not row.startswith("#version")]
    made = set(bytes_to_unicode().values()) | {row.replace(" ", "") for row in rows}
    return {"vocab": vocab, "merges": rows, "special": [token for token in vocab if token not in made]}
