"""The page Your GPT-2 in each of its states. What its components draw is tested in `test_strips` and the browser."""

import shutil
import subprocess
import sys

import pytest

PARTS = ("embed", "pos_embed", "layer_norm", "gelu_new", "mlp")


def sentences(app) -> str:
    return " ".join(element.value for kind in (app.markdown, app.info, app.warning, app.error) for element in kind)


def test_the_app_itself_never_imports_torch():
    code = "import sys, hookpoint.app.bench, hookpoint.app.tabs.generate; print('torch' in sys.modules)"

    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert found.stdout.strip() == "False", found.stderr


def test_without_a_workspace_all_is_ours_and_start_is_named(builder, your_gpt2):
    shutil.rmtree(builder.workspace)

    app = your_gpt2()

    assert "There is no workspace yet" in app.info[0].value and not app.exception
    assert "All of it is ours" in sentences(app) and "15 of at most 64" in sentences(app)


def test_with_nothing_passed_the_first_exercise_is_named_with_its_minutes(builder, your_gpt2):
    from hookpoint.app.yours.choice import RUNS
    from hookpoint.content.course import course

    first = next(exercise for exercise in course().exercises if exercise.id in RUNS)

    assert f"None of this is yours yet. `{first.id}` is {first.minutes} min away." in your_gpt2().info[0].value


def test_what_passes_runs_and_is_compared(builder, your_gpt2):
    builder.solves(*PARTS)
    builder.spoils("mlp", "_f = MLP.forward\nMLP.forward = lambda self, x: 2 * _f(self, x)")

    app = your_gpt2()
    assert "more than rounding" in sentences(app) and not app.info

    app.query_params["ours"] = "mlp"
    assert "more than rounding" not in sentences(app.run()) and "to ours on this prompt" in sentences(app)


def test_an_edit_on_disk_is_what_runs_next(builder, your_gpt2):
    builder.solves(*PARTS)
    app = your_gpt2()
    assert "more than rounding" not in sentences(app)

    builder.spoils("embed", "Embed.forward = lambda self, tokens: 0 * self.W_E[tokens]")

    assert "more than rounding" in sentences(app.run())


def test_an_empty_prompt_asks_for_one(builder, your_gpt2):
    app = your_gpt2()
    app.text_input(key="prompt").set_value("   ").run()

    assert "The prompt is empty" in sentences(app) and not app.exception

    next(button for button in app.button if button.label == "Where is the school?").click().run()
    assert app.text_input(key="prompt").value == "The school in Madrid is in" and "empty" not in sentences(app)


def test_a_text_longer_than_the_context_says_what_is_left_out(builder, your_gpt2):
    app = your_gpt2()

    app.text_input(key="prompt").set_value("The school in Madrid is in Spain. " * 12).run()

    assert "64 of at most 64" in sentences(app) and "tokens are left out" in sentences(app)


@pytest.mark.parametrize("view", ["Attention", "Generate", "Tokens", "Speed", "Loss"])
def test_every_view_opens_by_its_link_and_any_character_goes(builder, your_gpt2, view):
    builder.solves(*PARTS, "attention", "attn_pattern")

    app = your_gpt2(view=view, text="Ein Fuß 🦊 日本")

    assert not app.exception and not app.error
    assert app.session_state["view"] == view and app.query_params["view"] in (view, [view])


def test_a_view_that_is_none_falls_back(builder, your_gpt2):
    app = your_gpt2(view="Nonsense", model="nowhere", ours="nothing")

    assert app.session_state["view"] == "Attention" and not app.exception


def test_knobs_keep_their_place_while_another_view_is_open(builder, your_gpt2):
    app = your_gpt2(view="Generate")
    app.slider(key="temperature").set_value(1.5).run()

    app.session_state["view"] = "Loss"
    app.run()
    app.session_state["view"] = "Generate"

    assert app.run().slider(key="temperature").value == 1.5


@pytest.mark.parametrize("way", ["greedy", "beam"])
def test_the_other_ways_of_continuing_run(builder, your_gpt2, way):
    app = your_gpt2(view="Generate")
    app.session_state["way"] = way

    app.run()

    assert not app.exception and not app.error
    assert ("Beams" in [slider.label for slider in app.slider]) == (way == "beam")


def test_a_broken_model_of_the_learners_is_one_sentence_and_the_shipped_one_is_a_click_away(builder, your_gpt2):
    folder = builder.workspace / "part1_build_gpt2/mine"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"nothing")

    app = your_gpt2(model="part1_build_gpt2/mine/model.safetensors")
    assert "cannot be read" in app.error[0].value and not app.exception

    app.session_state["model"] = "stories"
    assert not app.run().error and "15 of at most 64" in sentences(app)


def test_prompt_and_choices_stand_in_the_address(builder, your_gpt2):
    app = your_gpt2()

    app.text_input(key="prompt").set_value("One day").run()

    assert app.query_params["text"] in ("One day", ["One day"])
