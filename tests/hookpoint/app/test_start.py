"""The page Start in each of its states."""

import json
from pathlib import Path


def headings(app) -> str:
    return " ".join(heading.value for heading in app.header)


def sentences(app) -> str:
    return " ".join(element.value for kind in (app.markdown, app.info, app.warning, app.error) for element in kind)


def test_without_a_workspace_one_button_makes_it(start):
    app = start()
    assert "no workspace yet" in headings(app)

    app.button[0].click().run()

    assert Path("workspace/part1_build_gpt2/03_attention.ipynb").exists()
    assert "Next: `embed` · 10 min · 02_embed_and_mlp" in headings(app)


def test_a_fresh_workspace_points_at_the_first_exercise(start, learner):
    app = start()

    assert "Next: `embed`" in headings(app)
    assert "0 of 22 points" in sentences(app) and "about 1 h 50 min left" in sentences(app)
    assert not app.exception and not app.warning and not app.error and not app.info


def test_half_done_points_at_the_first_exercise_that_does_not_pass(start, learner):
    learner.passes("embed", "pos_embed", "mlp", "causal_mask")

    app = start()

    assert "Next: `layer_norm`" in headings(app)
    assert "**8 of 22 points** · 4 of 11 exercises" in sentences(app)


def test_a_failing_exercise_is_next_before_an_untouched_one_after_it(start, learner):
    learner.passes("embed", "pos_embed", "layer_norm", "mlp")
    learner.checks("causal_mask", "failed", "causal_mask(3, 7) has the wrong values.")

    assert "Next: `causal_mask`" in headings(start())


def test_an_answer_edited_after_it_passed_is_to_be_checked_again(start, learner):
    learner.passes("embed", "pos_embed")
    learner.types("embed", "def Embed(x):\n    return x + 1")

    assert "Next: `embed`" in headings(start())


def test_everything_passed_is_said_with_what_comes_next(start, learner):
    learner.passes(*learner.everything)

    app = start()

    assert "All 11 exercises pass" in headings(app)
    assert "22 of 22 points" in sentences(app) and "04_model_and_loss" in sentences(app)


def test_a_damaged_record_is_told_and_stays_told_while_the_page_is_redrawn(start, learner):
    learner.passes("embed")
    (learner.workspace / ".hookpoint/progress/embed.json").write_text("{ not json")

    app = start().run()

    assert "progress record of `embed` is damaged" in app.warning[0].value
    assert "Next: `embed`" in headings(app)


def test_a_corrupted_notebook_is_named_and_costs_the_others_nothing(start, learner):
    learner.passes("embed", "causal_mask")
    learner.notebook("03_attention").write_text("<html>")

    app = start()

    assert "03_attention.ipynb is not a readable notebook" in app.error[0].value
    assert "2 of 11 exercises" in sentences(app) and not app.exception


def test_newer_text_in_the_course_is_offered(start, learner):
    released = learner.released / "part1_build_gpt2/03_attention.ipynb"
    content = json.loads(released.read_text())
    content["cells"][0]["source"] += " Newer."
    released.write_text(json.dumps(content))

    app = start()

    assert "newer text for `03_attention`" in app.info[0].value and "hookpoint update" in app.info[0].value


def test_a_notebook_that_the_workspace_lacks_is_offered(start, learner):
    learner.notebook("04_model_and_loss").unlink()

    assert "Not in your workspace: `04_model_and_loss`" in start().info[0].value


def test_running_a_notebook_in_jupyter_is_not_taken_for_older_text(start, learner):
    path = learner.notebook("03_attention")
    content = json.loads(path.read_text())
    content["metadata"]["language_info"] = {"name": "python", "version": "3.11"}
    code = next(cell for cell in content["cells"] if cell["cell_type"] == "code")
    code |= {"execution_count": 3, "outputs": [{"output_type": "stream", "name": "stdout", "text": ["hi"]}]}
    path.write_text(json.dumps(content))

    assert not start().info


def test_without_jupyter_the_file_and_the_command_are_shown(start, learner):
    app = start()

    assert "workspace/part1_build_gpt2/02_embed_and_mlp.ipynb" in sentences(app)
    assert app.code[0].value == "hookpoint start"


def test_read_here_opens_the_exercise(start, learner):
    app = start()
    next(button for button in app.button if button.label == "Read here").click().run()

    assert headings(app).startswith("`Embed`") and app.query_params["exercise"] == "embed"


def test_without_a_course_the_page_says_what_to_do(start, learner, monkeypatch, tmp_path):
    monkeypatch.setenv("HOOKPOINT_COURSE", str(tmp_path / "nowhere"))

    app = start()

    assert "hookpoint build" in app.error[0].value and not app.exception
