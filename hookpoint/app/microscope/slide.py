"""What is under the microscope, as the views share it: the model, the prompts, and what one run of each has shown."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import streamlit as st

from hookpoint.errors import HookpointError

from . import client

__all__ = ["Slide"]

OVER = ("this prompt", "prompts like it")


@dataclass
class Slide:
    """A prompt and its twin in one model.

    Attributes:
        step: A checkpoint; None is the trained model.
        asked: `clean`, `changed`, `answer`, `foil` and `at`, as they were typed.
        family: The task whose prompts are like this one; None if nothing here knows any.
        facts: What `example` says of the model.
        found: What `look` says of the prompts.
    """

    workspace: Path | None
    model: str
    step: int | None
    asked: dict
    family: str | None
    facts: dict
    found: dict = field(default_factory=dict)

    @property
    def tokens(self) -> list[str]:
        return [token["text"] for token in self.found["tokens"]["clean"]]

    @property
    def version(self) -> str:
        """Another one for other prompts or weights."""
        return json.dumps([self.model, self.step, self.asked])

    @property
    def pair(self) -> dict:
        """What names this pair in a question."""
        return {"step": self.step, **self.asked}

    @property
    def likes(self) -> dict:
        """What names the prompts like it in a question."""
        return {"step": self.step, "family": self.family}

    def ask(self, what: str, **given: object) -> dict | None:
        """The answer; without one the page says why."""
        try:
            with st.spinner("Running …", show_time=True):
                return client.ask(self.workspace, what, self.model, **given)
        except HookpointError as error:
            st.info(str(error), icon=":material/info:")
            return None

    def over(self, key: str) -> str:
        """Whether a panel shows this prompt or the mean over prompts like it."""
        if self.family is None:
            st.markdown(
                ":gray[This prompt alone: nothing here knows prompts like it, so there is no mean. An example has one.]"
            )
            return OVER[0]
        st.session_state.setdefault(key, OVER[0])
        return st.segmented_control("Over", OVER, key=key, label_visibility="collapsed", required=True) or OVER[0]

    def mean(self, what: str, over: str, /, **given: object) -> dict | None:
        """The answer over prompts like it, if there are any; of a large model only where the mean is what is shown."""
        if self.family is None or (self.facts["large"] and over != OVER[1]):
            return None
        return self.ask(what, **given)
