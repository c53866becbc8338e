"""The page Notebooks in each of its states."""

import json
import sys

import pytest

from hookpoint.app import checking

MESSAGE = """causal_mask(3, 7) has the right shape but the wrong values.
  First differs at (0, 1): expected True, yours False.
  Your numbers are exactly what you get when the triangle starts at the top left.
  Checked: Fewer queries than keys.
  Next: hookpoint hint causal_mask"""


def labels(app) -> list[str]:
    return [button.label for button in app.button]


def press(app, label: str):
    return next(button for button in app.button if button.label == label).click().run()


def words(app) -> str:
    return " ".join(element.value for element in app.markdown)


def html(app) -> str:
    return " ".join(element.proto.body for element in app.get("html"))


@pytest.fixture
def failed(learner):
    """A learner whose `causal_mask` fails."""
    learner.checks("causal_mask", "failed", MESSAGE, "top_left")
    return learner


def test_without_a_workspace_the_button_that_makes_it_is_here_too(notebooks):
    assert labels(notebooks()) == ["Make my workspace"]


def test_without_an_exercise_in_the_address_the_next_one_is_shown_and_put_there(notebooks, learner):
    learner.passes("embed")

    app = notebooks()

    assert app.header[0].value.startswith("`PosEmbed`")
    assert app.query_params["exercise"] == "pos_embed"


def test_an_exercise_shows_its_text_maths_and_signature(notebooks, learner):
    app = notebooks("causal_mask")

    assert "$$ m_{qk}" in words(app) and "## Exercise" not in words(app) and "*10 minutes" not in words(app)
    assert "def causal_mask(n_queries" in app.code[-1].value and "raise NotImplementedError" not in app.code[-1].value


def test_an_answer_is_shown_as_it_is_saved_and_a_stub_is_not(notebooks, learner):
    learner.types("causal_mask", learner.slip)

    assert learner.slip in [code.value for code in notebooks("causal_mask").code]
    assert not any("as it is saved" in text.value for text in notebooks("apply_mask").markdown)


def test_a_notebook_without_exercises_is_not_offered(notebooks, learner, small):
    cells = [small.cell("prose", "# Read me")]
    small.write(learner.released / "part1_build_gpt2/00_preflight.ipynb", small.notebook("00_preflight", cells))

    assert list(notebooks().selectbox[0].options) == ["02_embed_and_mlp", "03_attention", "04_model_and_loss"]


def test_an_unknown_exercise_in_the_address_is_told_with_the_nearest(notebooks, learner):
    app = notebooks("casual_mask")

    assert "Did you mean `causal_mask`?" in app.warning[0].value
    assert app.header[0].value.startswith("`Embed`")


def test_the_list_holds_one_notebook_and_says_where_each_exercise_stands(notebooks, failed):
    radio = notebooks("apply_mask").radio[0]

    assert radio.options == [
        ":orange[:material/error:] causal_mask",
        ":gray[:material/circle:] apply_mask",
        ":gray[:material/circle:] attention",
    ]
    assert list(radio.proto.captions)[:2] == ["failing · 10 min · 2 pt", "untouched · 10 min · 2 pt"]


def test_choosing_from_the_list_changes_the_page_and_the_address(notebooks, learner):
    app = notebooks("causal_mask")
    app.radio[0].set_value("attention").run()

    assert app.header[0].value.startswith("`Attention`") and app.query_params["exercise"] == "attention"


def test_another_notebook_opens_at_its_first_exercise_that_does_not_pass(notebooks, learner):
    learner.passes("embed")
    app = notebooks("causal_mask")

    app.selectbox[0].set_value("02_embed_and_mlp").run()

    assert app.query_params["exercise"] == "pos_embed"


def test_search_looks_through_all_notebooks(notebooks, learner):
    app = notebooks("embed")
    app.text_input[0].set_value("_MASK").run()

    assert [option.split()[-1] for option in app.radio[0].options] == ["causal_mask", "apply_mask"]


def test_a_search_without_a_match_says_so_and_can_be_cleared(notebooks, learner):
    app = notebooks("embed")
    app.text_input[0].set_value("xylophone").run()

    assert "Nothing has “xylophone”" in words(app)
    assert len(press(app, "Clear the search").radio[0].options) == 4


def test_hints_open_in_order_and_are_remembered(notebooks, learner):
    app = notebooks("causal_mask")
    assert [(b.label, b.disabled) for b in app.button if "int" in b.label] == [
        ("Open hint 1", False),
        ("Hint 2", True),
        ("Hint 3", True),
    ]

    press(app, "Open hint 1")

    assert "Rung 1 of causal_mask" in words(app) and "Rung 2" not in words(app)
    assert json.loads((learner.workspace / ".hookpoint/progress/causal_mask.json").read_text())["hints"] == 1
    assert [b.label for b in app.button if "hint" in b.label and not b.disabled] == ["Open hint 2"]


def test_a_failed_check_shows_its_message_with_the_slip_in_bold(notebooks, failed):
    app = notebooks("causal_mask")

    assert "<b>Your numbers are exactly what you get when the triangle starts at the top left.</b>" in html(app)
    assert "hookpoint hint" not in html(app)
    assert "just now" in words(app) and "changed since" not in words(app)


def test_an_answer_edited_since_the_check_is_said_to_be(notebooks, failed):
    failed.types("causal_mask", "def causal_mask(a, b):\n    return None")

    assert "just now; your cell has changed since" in words(notebooks("causal_mask"))


def test_a_pass_says_what_was_built_and_leads_on(notebooks, learner):
    learner.passes("embed", "pos_embed", "layer_norm", "mlp", "causal_mask")

    app = notebooks("causal_mask")

    assert "You built `causal_mask`. True where a query may attend to a key." in words(app)
    assert "missing: `apply_mask`, `attention`" in words(app)
    assert press(app, "Next: `apply_mask`").query_params["exercise"] == "apply_mask"


def test_a_check_that_cannot_run_shows_why(notebooks, learner, monkeypatch):
    complaint = "import sys; sys.exit('Your notebook has no cell that defines causal_mask.')"
    monkeypatch.setattr(checking, "CHECK", (sys.executable, "-c", complaint))
    app = notebooks("causal_mask")

    press(app, "Check now")
    app.session_state["check"].join(20)
    app.run()

    assert "no cell that defines causal_mask" in html(app) and "Check now" in labels(app)


def test_a_running_check_shows_its_time_and_can_be_stopped(notebooks, learner, monkeypatch):
    monkeypatch.setattr(checking, "CHECK", (sys.executable, "-c", "while True: pass"))
    app = notebooks("causal_mask")

    press(app, "Check now")
    assert "Stop" in labels(app) and "Check now" not in labels(app)
    press(app, "Stop")

    assert not app.session_state["check"].running
    assert "nothing was recorded" in html(app.run())


def test_a_corrupted_notebook_is_named_and_the_text_stays_readable(notebooks, failed):
    failed.notebook("03_attention").write_text("<html>")

    app = notebooks("causal_mask")

    assert "not a readable notebook" in app.error[0].value
    assert app.header[0].value.startswith("`causal_mask`") and "top left" in html(app)


def test_a_record_that_cannot_be_written_is_told(notebooks, learner):
    app = notebooks("causal_mask")
    (learner.workspace / ".hookpoint/progress").write_text("in the way")

    press(app, "Open hint 1")

    assert "Could not write" in app.error[0].value and not app.exception
