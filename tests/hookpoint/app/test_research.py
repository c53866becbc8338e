"""The pages Problems and Challenges: what they list, what they write, and who works on what."""

import json

import pytest
from streamlit.testing.v1 import AppTest

from hookpoint.app.main import CHALLENGES, PROBLEMS
from hookpoint.app.research.rows import problem_rows, reference_rows
from hookpoint.app.research.taken import Taken
from hookpoint.app.scoring import Scoring
from hookpoint.challenges.definition import Challenge
from hookpoint.challenges.proof import Measured, Proof
from hookpoint.errors import HookpointError
from hookpoint.hosting import codes
from hookpoint.hosting.joined import Joined, remember
from hookpoint.problems.catalogue import catalogue


@pytest.fixture
def problems_page(learner, monkeypatch) -> AppTest:
    monkeypatch.chdir(learner.workspace)
    return AppTest.from_file(str(PROBLEMS), default_timeout=30)


class Client:
    def __init__(self):
        self.calls, self.down, self.teams = 0, False, {"2.13": ["Owls"]}

    def claims(self):
        self.calls += 1
        if self.down:
            raise HookpointError("It cannot be reached.")
        return {"claims": self.teams, "mine": []}

    def claim(self, problem, release=False):
        self.teams = {problem: [] if release else ["Bats"]}
        return {}


@pytest.fixture
def taken(tmp_path) -> Taken:
    remember(one := Joined("http://there", codes.token()), tmp_path)
    return Taken(tmp_path, client=Client(), one=one)


def test_the_table_has_every_problem_until_one_searches(problems_page):
    problems_page.run()
    assert not problems_page.exception and len(problems_page.dataframe[0].value) == len(catalogue())

    problems_page.text_input(key="problem_words").set_value("no such thing anywhere").run()

    assert not problems_page.dataframe and any("No problem fits" in one.value for one in problems_page.markdown)


def test_the_address_names_the_problem_and_its_starter_is_written_once(problems_page, learner):
    problems_page.query_params["problem"] = "2.13"
    problems_page.run()
    problems_page.button[0].click().run()

    [written] = (learner.workspace / "problems").glob("2.13_*.ipynb")
    assert json.loads(written.read_text())["metadata"]["hookpoint"]["problem"] == "2.13"
    assert not problems_page.button


def test_an_unknown_problem_in_the_address_is_no_error(problems_page):
    problems_page.query_params["problem"] = "<script>"

    assert not problems_page.run().exception


def test_a_row_says_who_works_on_it():
    rows = problem_rows([catalogue().problem("2.13")], frozenset({"2.13"}), {"2.13": ["Owls", "Bats"]})

    assert rows[0]["taken by"] == "Owls, Bats" and rows[0]["own starter"] is True


def test_claims_are_not_asked_for_at_every_click(taken, tmp_path):
    for _ in range(5):
        taken.refresh()

    assert taken.client.calls == 1 and taken.teams == {"2.13": ["Owls"]}


def test_without_the_server_what_was_heard_stays(taken):
    taken.refresh()
    taken.client.down = True
    taken.refresh(again=True)

    assert taken.teams == {"2.13": ["Owls"]} and taken.trouble == "It cannot be reached."


def test_a_claim_is_seen_at_once(taken):
    taken.refresh()
    taken.change("2.14", release=False)

    assert taken.teams == {"2.14": ["Bats"]}


def test_reference_answers_stand_with_the_best_first():
    one = Challenge(*["x"] * 8, "unit", 0.2, 1.0, 1.0, None, None, 0.0, ("", "", ""))
    one = Challenge(**{**vars(one), "standing": "ranked"})
    rows = [("attacker", "constant", 0.2), ("baseline", "first try", 0.6)]
    measured = [Measured(role, "x", label, (value, value), (0.0,), (0.1, 0.3)) for role, label, value in rows]

    found = reference_rows(one, Proof("x", (1, 2), (0.0,), tuple(measured)))

    assert [(row["answer"], row["points"], row["seconds"]) for row in found] == [
        ("first try", 50.0, 0.3),
        ("constant", 0.0, 0.3),
    ]


def test_every_challenge_can_be_opened(learner, monkeypatch):
    monkeypatch.chdir(learner.workspace)
    page = AppTest.from_file(str(CHALLENGES), default_timeout=30).run()

    for id in page.radio[0].options:
        assert not page.exception, id
    assert len(page.radio[0].options) == 14
    page.button[0].click().run()
    assert len(list((learner.workspace / "challenges").glob("*.ipynb"))) == 1


def test_a_file_that_is_no_answer_is_told_in_words(tmp_path):
    (tmp_path / "a.py").write_text("x = 1")
    scoring = Scoring("trojan", tmp_path / "a.py")
    scoring.join(60)

    assert scoring.result is None and "does not define" in scoring.trouble
