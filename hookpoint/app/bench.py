"""What the page Your GPT-2 and its views share: the running model, what it is asked, what became of the parts."""

from dataclasses import dataclass, field

import streamlit as st

from hookpoint.app.situation import Situation
from hookpoint.app.yours.choice import Piece, pieces, wanted
from hookpoint.app.yours.client import Client, client
from hookpoint.app.yours.models import stamp
from hookpoint.errors import HookpointError

SHIPPED = "stories"


@dataclass
class Bench:
    """The model as it is to run now.

    Attributes:
        switched: ids of chips that the learner has set to ours.
        broken: exercises that failed or stood still in an answer of this run of the page.
    """

    here: Situation
    switched: frozenset[str]
    model: str = SHIPPED
    broken: dict[str, str] = field(default_factory=dict)

    @property
    def pieces(self) -> tuple[Piece, ...]:
        return pieces(self.here.standings, self.switched, self.broken)

    @property
    def yours(self) -> tuple[str, ...]:
        return wanted(pieces(self.here.standings, self.switched))

    def runs(self, *exercises: str) -> bool:
        """Whether all of these run as the learner wrote them."""
        return all(id in self.yours and id not in self.broken for id in exercises)

    @property
    def running(self) -> Client:
        return client(self.here.workspace, stamp(self.here))

    def ask(self, what: str, **given: object) -> dict | None:
        """The answer; without one, the page says why and the view ends here."""
        try:
            with st.spinner("Running …", show_time=True):
                answer = self.running.ask(what, self.yours, self.model, **given)
        except HookpointError as error:
            st.error(str(error), icon=":material/error:")
            return None
        self.broken.update(answer.broken)
        return answer.value
