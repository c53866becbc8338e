"""Text to tokens and back, for models of text and for those whose tokens are symbols with names."""

import difflib
from collections.abc import Sequence
from typing import Protocol

from hookpoint.app.yours.text import spelled
from hookpoint.errors import HookpointError
from hookpoint.model.tokenizer import Tokenizer

__all__ = ["Reader", "Symbols", "Words"]


class Reader(Protocol):
    """What turns a typed prompt into a model's tokens."""

    def encode(self, text: str) -> list[int]:
        """The tokens of a prompt, with what stands before every prompt.

        Raises:
            HookpointError: Something in it is no token of the model.
        """

    def shown(self, id: int) -> dict:
        """A token as a picture needs it: `text`, and whether it is `special`."""

    def token(self, word: str) -> int:
        """The one token that a word is, behind other words.

        Raises:
            HookpointError: It is not one token.
        """


class Words:
    """A tokenizer's reader.

    Args:
        lead: What stands before the first word, as it did in training.
    """

    def __init__(self, tokenizer: Tokenizer, lead: str = " ") -> None:
        self.tokenizer, self.lead = tokenizer, lead
        self._special = set(tokenizer.special_ids.values())
        self._opening = [tokenizer.special_ids[tokenizer.special[0]]] if tokenizer.special else []

    def encode(self, text: str) -> list[int]:
        return [*self._opening, *self.tokenizer.encode(self.lead + text.strip())]

    def shown(self, id: int) -> dict:
        return {"id": id, "text": spelled(self.tokenizer.vocab.get(id, b"?")), "special": id in self._special}

    def token(self, word: str) -> int:
        ids = self.tokenizer.encode(f" {word.strip()}")
        if len(ids) == 1:
            return ids[0]
        parts = " + ".join(self.shown(id)["text"] for id in ids)
        raise HookpointError(f"{word.strip()!r} is {len(ids)} tokens to this model ({parts}). Take a word that is one.")


class Symbols:
    """The reader of a model whose tokens have names: they are typed with spaces between them."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self._ids = {name: id for id, name in enumerate(self.names)}

    def encode(self, text: str) -> list[int]:
        return [self.token(name) for name in text.split()]

    def shown(self, id: int) -> dict:
        return {"id": id, "text": self.names[id], "special": self.names[id].startswith("<")}

    def token(self, word: str) -> int:
        name = word.strip()
        if name in self._ids:
            return self._ids[name]
        near = difflib.get_close_matches(name, self.names, n=4, cutoff=0.4) or self.names[:12]
        raise HookpointError(
            f"{name!r} is not one of the {len(self.names)} tokens of this model. Take one of them, for instance "
            f"{', '.join(near)}, and leave a space between two."
        )
