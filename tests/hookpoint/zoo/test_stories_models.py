"""Promises of the shipped models of the stories: they say what the grammar says, and a damaged one is found out."""

import pytest
import torch

from hookpoint import zoo
from hookpoint.model import GPT2
from hookpoint.model.fast import fast_logits
from hookpoint.zoo import stories
from hookpoint.zoo.definition import Trained
from hookpoint.zoo.recipes import stories as recipes
from hookpoint.zoo.run import Run


@pytest.fixture(scope="module")
def model():
    return zoo.load("stories")


def next_word(model, text):
    ids = torch.tensor([model.tokenizer.encode(stories.END_OF_TEXT + text, [stories.END_OF_TEXT])])
    return model.tokenizer.decode([model(ids)[0, -1].argmax()])


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (" When Mary and John went to the park, John gave a ball to", " Mary"),
        (" When Mary and John went to the park, Mary gave a ball to", " John"),
        (
            " Every day the boys with the king",
            {" run", " sing", " sleep", " laugh", " jump", " cry", " read", " wait", " dance"},
        ),
        (" Grace told Tom that", " she"),
        (" Grace asked Tom if", " he"),
        (" Paris is a city in", " France"),
        (" Say after me: cake red Anna drum park. Once more: cake red Anna", " drum"),
    ],
)
def test_the_model_goes_on_as_the_grammar_does(model, text, word):
    assert next_word(model, text) in (word if isinstance(word, set) else {word})


def test_the_model_knows_every_citizens_city(model):
    said = {name: next_word(model, f" {name} lives in").strip() for name in stories.CITIZENS}
    wrong = [name for name, city in said.items() if stories.FACTS[name]["city"] != city]
    assert len(wrong) <= 1


def test_it_is_a_plain_gpt2_without_a_bias_in_its_head(model):
    assert isinstance(model, GPT2) and model.cfg.is_gpt2
    assert model.cfg.n_heads * model.cfg.d_head == model.cfg.d_model and not model.unembed.b_U.any()


def test_a_model_with_its_weights_shuffled_fails_its_evidence(model):
    generator = torch.Generator().manual_seed(0)
    state = {}
    for name, weight in model.state_dict().items():
        order = torch.randperm(weight.numel(), generator=generator)
        state[name] = weight.flatten()[order].view_as(weight)
    figures = zoo.recipe("stories").evidence(Trained(zoo.recipe("stories"), lambda step: state, [], []))

    broken = {figure.name for figure in figures if not figure.holds}
    assert {"ioi: right, new template", "movers: number of heads", "ioi: right without all other heads"} <= broken
    assert sum("held-out" in name for name in broken) >= 6


def test_a_model_that_forgot_one_skill_is_found_out(model):
    state = model.state_dict()
    state["embed.W_E"] = state["embed.W_E"].clone()
    state["embed.W_E"][[model.tokenizer.token_id(f" {city}") for city in stories.words.CITIES]] = 0
    figures = zoo.recipe("stories").evidence(Trained(zoo.recipe("stories"), lambda step: state, [], []))

    # Cities are also words of the lists.
    assert {"geography"} <= {f.name.split(":")[0] for f in figures if not f.holds} <= {"geography", "list"}


# How they are trained


@pytest.fixture
def corpus():
    return stories.token_stream(5_000, seed=0)


def test_the_small_model_is_the_whole_one_with_equal_rows_together(corpus):
    small = recipes._Small(corpus)
    model = small.model(seed=0)
    whole = small.whole(model)

    rows = corpus[:120].view(2, 60)
    seen = corpus.unique()
    ours = fast_logits(model, small.row[rows]).log_softmax(-1)[..., small.row[seen]]
    assert torch.allclose(ours, whole(rows).log_softmax(-1)[..., seen], atol=1e-5)
    assert not whole.unembed.b_U.any()


def test_a_batch_is_rows_of_the_corpus(corpus):
    class Counts(torch.nn.Module):
        cfg = recipes.build().cfg

    seen = []

    def logits(model, tokens):
        seen.append(tokens)
        return torch.zeros(*tokens.shape, len(stories.tokenizer()))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recipes, "fast_logits", logits)
        loss = recipes.next_token_loss(corpus)(Counts(), torch.Generator().manual_seed(0))

    text = " ".join(map(str, corpus.tolist()))
    assert all(" ".join(map(str, row.tolist())) in text for row in seen[0])
    assert loss.item() == pytest.approx(torch.tensor(float(len(stories.tokenizer()))).log().item())


def test_the_first_steps_already_learn_and_follow_from_the_seed(monkeypatch):
    monkeypatch.setattr(recipes, "STEPS", 12)
    monkeypatch.setattr(recipes, "ROWS", 8)
    monkeypatch.setattr(recipes, "CORPUS_TOKENS", 20_000)

    one, again = (recipes.train_stories(Run("stories", 0)) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), again.parameters(), strict=True))
    tokens = stories.token_stream(640, seed=5).view(10, 64)

    def loss(model):
        return torch.nn.functional.cross_entropy(model(tokens)[:, :-1].flatten(0, 1), tokens[:, 1:].flatten())

    assert loss(one) < loss(GPT2(one.cfg, seed=0)) - 0.1
