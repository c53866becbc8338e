"""What the page is told when something cannot be done, and what it is told of two prompts."""

import pytest

LIKES = {"step": None, "family": "names"}


def test_the_first_look_has_all_panels(ask, pair):
    asked = pair()
    found = ask("look", **asked)

    assert found["different"] == [10] and found["pairing"] == ""
    assert found["next"]["clean"][0]["text"] == f"·{asked['answer']}"
    assert found["next"]["changed"][0]["text"] == f"·{asked['foil']}"


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ("", "Type a changed prompt"),
        ("When Bob and Dirk went to the village, Bob passed a box to", "are the same"),
        ("When Bob and Dirk went to the village, Dirk passed it to", "make them equally long"),
    ],
    ids=["none", "equal", "shorter"],
)
def test_prompts_that_cannot_be_compared_are_told_what_to_change(ask, pair, changed, says):
    found = ask("look", **pair(clean="When Bob and Dirk went to the village, Bob passed a box to", changed=changed))

    assert says in found["pairing"]
    assert found["next"]["clean"] and found["lens"]["labels"]


def test_prompts_that_end_alike_are_told_so(ask, pair):
    given = {"clean": "Jane went to the", "changed": "Mia went to the", "answer": "", "foil": ""}

    assert "Both prompts go on with" in ask("look", **pair(**given))["pairing"]


def test_an_unknown_token_is_named_with_the_nearest(ask, pair):
    said = ask("look", "circuit_sort", **pair("circuit_sort", clean="<bos> c d e k l i g bo"))

    assert "'bo' is not one of the 13 tokens" in said and "<bos>" in said


def test_an_answer_of_several_tokens_is_cut_before_the_reader(ask, pair):
    assert "'Constantinople' is" in ask("look", **pair(answer="Constantinople"))


def test_a_prompt_that_is_too_long_says_how_long_it_may_be(ask, pair):
    assert "this model takes 1 to 64" in ask("look", **pair(clean="the " * 80))


def test_without_a_family_there_is_no_mean_and_it_is_said(ask):
    assert "Take an example" in ask("writers", step=None, family=None)


def test_the_mean_grid_is_over_prompts_like_it(ask):
    found = ask("patch_mean", piece="residual stream", restore=True, **LIKES)

    assert found["n"] == 32 and len(found["mean"]) == 3
    assert found["mean"][0][10] == pytest.approx(1, abs=1e-3) and abs(found["mean"][0][3]) < 1e-5


def test_a_patched_run_says_the_originals_word(ask, pair):
    asked = pair()
    found = ask("patched", piece="residual stream", restore=True, cells=[[0, 10]], **asked)

    assert found["next"][0]["text"] == f"·{asked['answer']}" and found["share"] == pytest.approx(1, abs=1e-3)


def test_a_model_without_readable_tokens_says_so(ask):
    assert "no tokens that can be shown" in ask("example", "grokking", family=None, number=0)


def test_a_model_that_was_fetched_is_offered(ask, tmp_path, monkeypatch):
    monkeypatch.setenv("HOOKPOINT_ZOO", str(tmp_path))
    (tmp_path / "gpt2.json").write_text("{}")

    assert ask("models", "")["names"][-1] == "gpt2"


def test_the_learners_own_model_is_read_with_its_own_tokenizer(tmp_path):
    from safetensors.torch import save_file

    from hookpoint import zoo
    from hookpoint.app.microscope.engine import Engine

    stories, name = zoo.load("stories"), "part1_build_gpt2/mine/model.safetensors"
    (tmp_path / name).parent.mkdir(parents=True)
    save_file({key: value.contiguous() for key, value in stories.state_dict().items()}, tmp_path / name)
    stories.tokenizer.save(tmp_path / name.replace("model.safetensors", "tokenizer.json"))

    asked = {"ask": "example", "model": name, "with": {"family": "names", "number": 0}}
    found = Engine(tmp_path).answer(asked)["answer"]

    assert found["pair"]["clean"].startswith("When ") and found["steps"] == ()
