"""The page: what is on it, and what it does with prompts that do not work."""

import subprocess
import sys

import pytest

SECOND = "circuit_sort"


def texts(app) -> str:
    return "\n".join(element.value for kind in (app.markdown, app.caption, app.info, app.warning) for element in kind)


def test_all_panels_are_there_without_a_click(microscope):
    app = microscope()

    assert not app.exception
    for panel in ("Attention", "What comes next", "Logit lens", "Who writes the answer", "Activation patching"):
        assert f"**{panel}**" in texts(app)
    assert ", the logit difference" in texts(app)


def test_an_unknown_word_is_told_above_the_last_prompt_that_worked(microscope):
    app = microscope(model=SECOND)
    app.text_input(key="m-clean").set_value("<bos> c d e k l i g zebra").run()

    assert not app.exception
    assert "'zebra' is not one of the 13 tokens" in app.warning[0].value and "Below: the last" in app.warning[0].value
    assert "**Activation patching**" in texts(app)


def test_unequal_lengths_are_told_above_the_last_pair_that_worked(microscope):
    app = microscope()
    worked = app.text_input(key="m-clean").value
    app.text_input(key="m-changed").set_value("When Bob and Dirk went").run()

    assert not app.exception
    assert "make them equally long" in app.info[0].value and worked in app.info[0].value


def test_a_prompt_of_ones_own_has_no_mean_and_that_is_said(microscope):
    app = microscope()
    app.text_input(key="m-clean").set_value("When Tom and Mary went to the village, Tom passed a box to").run()

    assert not app.exception
    assert "nothing here knows prompts like it" in texts(app)


def test_every_kind_of_model_can_be_looked_at(microscope):
    app = microscope()
    for model in ("facts", "induction", "circuit_hard_mixed"):
        app.selectbox(key="m-model").set_value(model).run()

        assert not app.exception and not app.error and not app.warning, model


@pytest.mark.parametrize(
    ("view", "words"),
    [("QK and OV", "Copying"), ("Training", "Means over"), ("Ablation", "with nothing silenced")],
)
def test_a_further_view_opens_by_its_address(microscope, view, words):
    app = microscope(model="induction", view=view)

    assert not app.exception
    assert words in texts(app)


def test_the_address_carries_the_prompts(microscope):
    asked = {"clean": "Tom lives in", "changed": "Jane lives in", "answer": "", "foil": "Madrid"}
    app = microscope(model="stories", example="fact", **asked)

    assert {name: app.text_input(key=f"m-{name}").value for name in asked} == asked


def test_the_apps_own_process_never_imports_torch():
    views = "ablation, circuits, overview, patching, training, writers"
    code = f"import sys; from hookpoint.app.microscope.views import {views}; sys.exit('torch' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0
