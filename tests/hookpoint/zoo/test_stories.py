"""Promises of the stories: labels that are true of the text, splits that keep their word, and one token for a word."""

import random
import re
from collections import Counter, defaultdict
from itertools import islice

import pytest
import torch

from hookpoint.zoo import stories
from hookpoint.zoo.stories import words
from hookpoint.zoo.stories.grammar import Template, joined, opened

SPLITS = ("train", "new_names", "new_templates", "held_out")
BOYS, GIRLS = {"John", "Tom", "Paul"}, {"Mary", "Anna", "Grace"}


def drawn(family, n=300, split="train", seed=0, **options):
    rng = random.Random(seed)
    return [stories.FAMILIES[family](rng, split, **options) for _ in range(n)]


@pytest.fixture(scope="module")
def training():
    """Eight thousand passages of the training text by family."""
    by_family = defaultdict(list)
    for passage in islice(stories.passages(seed=3), 8_000):
        by_family[passage.family].append(passage)
    return by_family


# Templates


def test_a_filled_template_says_where_each_word_stands():
    passage = Template("greeting/short", " {who} met {whom}.").fill(
        {"who": "Ann", "whom": "Bo"}, facts={"tone": "calm"}
    )

    assert passage.text == " Ann met Bo."
    assert passage.spans == (("who", "Ann", 1, 4), ("whom", "Bo", 9, 11))
    assert (passage.family, passage.template, passage.facts["tone"]) == ("greeting", "greeting/short", "calm")
    assert passage.before("whom") == " Ann met"


def test_a_role_that_is_not_there_is_named():
    passage = Template("greeting/short", " {who} met {whom}.").fill({"who": "Ann", "whom": "Bo"})

    with pytest.raises(KeyError, match="greeting/short has no 'IO'; it has .'who', 'whom'"):
        passage.span("IO")


def test_joined_passages_keep_their_labels_in_place():
    one = Template("a/x", " {who} sat.").fill({"who": "Ann"})
    two = Template("a/y", " {who} ran.").fill({"who": "Bo"})

    both = joined([one, two], "a/both")
    assert both.text == " Ann sat. Bo ran."
    assert [both.text[span.start : span.end] for span in both.spans] == ["Ann", "Bo"]


def test_an_opening_moves_the_labels_and_takes_the_capital_of_what_is_no_name():
    named = opened(Template("a/x", " {who} sat.").fill({"who": "Ann"}), " One day")
    other = opened(Template("a/x", " When {who} sat.").fill({"who": "Ann"}), " Later")

    assert (named.text, other.text) == (" One day Ann sat.", " Later when Ann sat.")
    assert all(p.text[span.start : span.end] == "Ann" for p in (named, other) for span in p.spans)


# Every family


@pytest.mark.parametrize("family", stories.FAMILIES)
@pytest.mark.parametrize("split", SPLITS)
def test_every_label_is_the_text_at_its_place(family, split):
    for passage in drawn(family, split=split):
        assert passage.text.startswith(" ") and passage.text.endswith(".") and "{" not in passage.text
        assert [passage.text[span.start : span.end] for span in passage.spans] == [span.word for span in passage.spans]
        assert [span.start for span in passage.spans] == sorted(span.start for span in passage.spans)
        assert passage.family == family


@pytest.mark.parametrize("family", [family for family in stories.FAMILIES if family != "story"])
def test_every_sentence_of_a_skill_has_one_answer(family):
    assert all([span.role for span in passage.spans].count("answer") == 1 for passage in drawn(family))


def test_an_article_never_stands_before_a_vowel(training):
    text = "".join(passage.text for family in training.values() for passage in family)
    assert not re.findall(r" an? [aeiou]\w*", text)


# Truth of the labels, read from the text


def test_the_receiver_is_the_one_of_the_pair_who_did_not_give(training):
    for passage in training["ioi"]:
        giver, receiver = re.search(r"(\w+) (?:gave|handed|passed|showed|offered) .* to (\w+)\.", passage.text).groups()
        first, second = re.search(r"(\w+) (?:and|sat with) (\w+)", passage.text).groups()
        assert {giver, receiver} == {first, second}
        assert (passage.span("S2").word, passage.span("answer").word) == (giver, receiver)
        assert (passage.span("S1").word, passage.span("IO").word) == (giver, receiver)
        assert passage.facts["order"] == ("ABBA" if giver == second else "BABA")


def test_half_of_the_receivers_are_named_first(training):
    orders = Counter(passage.facts["order"] for passage in training["ioi"])
    assert abs(orders["ABBA"] - orders["BABA"]) < 0.06 * orders.total()


def test_somebody_who_was_named_stayed_and_somebody_new_came(training):
    for passage in training["arrival"]:
        before, name = re.match(r"(.*) (\w+) (?:stayed|came)", passage.text).groups()
        known = name in re.findall(r"\w+", before)
        assert passage.span("answer").word == ("stayed" if known else "came")
        assert passage.facts["known"] == ("yes" if known else "no")


def test_a_verb_agrees_with_the_first_noun(training):
    plural_nouns = {"children", "men", "women"} | {noun + "s" for noun in words.NOUNS}
    for passage in training["agreement"]:
        subject = next(noun for noun in re.findall(r"\w+", passage.text) if noun in plural_nouns | set(words.NOUNS))
        verb = passage.span("answer").word
        assert (subject in plural_nouns) == (verb == "are" or not verb.endswith("s"))
        assert passage.facts["number"] == ("plural" if subject in plural_nouns else "singular")


def test_told_goes_on_about_the_first_and_asked_about_the_second():
    for passage in drawn("pronoun", 4_000):
        if found := re.match(r" (\w+) (told|asked) (\w+) (?:that|if) (he|she) ", passage.text):
            first, verb, second, pronoun = found.groups()
            meant = first if verb == "told" else second
            assert meant not in (GIRLS if pronoun == "he" else BOYS)


def test_no_two_sentences_disagree_about_a_person(training):
    said = defaultdict(set)
    for passage in drawn("fact", 4_000) + training["story"]:
        for person, city in re.findall(r"(\w+)(?: who)? (?:lives in|has a house in) (\w+)", passage.text):
            said[person, "city"].add(city)
        for person, country in re.findall(r"(\w+) is from (\w+)", passage.text):
            said[person, "country"].add(country)
    assert len(said) == 2 * 48 and all(len(values) == 1 for values in said.values())
    for person in words.CITIZENS:
        (city,), (country,) = said[person, "city"], said[person, "country"]
        assert words.COUNTRY_OF[city] == country


def test_a_list_is_said_twice_in_the_same_order():
    for passage in drawn("list"):
        first, second = re.findall(r": ([^.]*)\.", passage.text)
        assert first == second and len(first.split()) == int(passage.facts["length"])


def test_the_twin_of_a_passage_differs_in_who_gives():
    for passage in drawn("ioi", 50):
        twin = stories.swapped(passage)
        assert twin.text[: passage.span("S2").start] == passage.text[: passage.span("S2").start]
        assert (twin.span("S2").word, twin.span("answer").word) == (passage.span("IO").word, passage.span("S1").word)


# Splits


@pytest.mark.parametrize("family", ["ioi", "arrival", "pronoun", "list"])
def test_names_that_are_kept_back_are_known_but_not_from_this_family(training, family):
    kept_back = set(stories.WORLD.people(family, "held_out"))

    def names_in(passages):
        return {word for passage in passages for word in re.findall(r"\w+", passage.text)}

    assert len(kept_back) == 24
    assert not kept_back & names_in(training[family])
    assert kept_back <= names_in(passage for other in training if other != family for passage in training[other])


@pytest.mark.parametrize("family", ["ioi", "arrival", "agreement", "pronoun", "fact", "geography", "list"])
def test_new_templates_are_new_and_made_of_known_words(training, family):
    held_out = drawn(family, 400, "held_out")
    known = Counter(
        number for family in training.values() for p in family for number in stories.tokenizer().encode(p.text)
    )

    assert not {p.template for p in held_out} & {p.template for p in training[family]}
    assert min(known[number] for p in held_out for number in stories.tokenizer().encode(p.text)) >= 10


def test_some_nouns_never_have_another_noun_before_their_verb(training):
    kept_back = {form for noun in words.HELD_OUT_NOUNS for form in (noun, words.NOUNS[noun])}
    attracted = [p for p in training["agreement"] if "attractor" in p.facts]

    assert not kept_back & {p.span("subject").word for p in attracted}
    assert kept_back <= {p.span("subject").word for p in training["agreement"] if "attractor" not in p.facts}
    asked = [p for p in drawn("agreement", split="new_names") if "attractor" in p.facts]
    assert {p.span("subject").word for p in asked} == kept_back


def test_some_pairs_of_citizen_and_template_are_nowhere_in_training(training):
    text = "".join(passage.text for passages in training.values() for passage in passages)
    asked = drawn("fact", 2_000, "new_names")

    assert len({(p.template, p.span("person").word) for p in asked}) == 5 * 12
    assert not [p.text for p in asked if p.text in text]
    assert {p.template for p in asked} <= {p.template for p in training["fact"]}


# Corpus and tokenizer


def test_the_mixture_is_kept(training):
    total = sum(map(len, training.values()))
    for family, share in stories.MIXTURE.items():
        assert abs(len(training[family]) / total - share) < 0.015


def test_text_follows_from_the_seed():
    def text(seed):
        return [passage.text for passage in islice(stories.passages(seed), 50)]

    assert text(1) == text(1) != text(2)


def test_the_shipped_tokenizer_is_the_one_that_training_gives():
    shipped, made = stories.tokenizer(), stories.train_tokenizer()
    assert (shipped.merges, shipped.vocab, shipped.special) == (made.merges, made.vocab, made.special)


def test_every_word_of_the_world_is_one_token(training):
    everything = stories.glossary() + "".join(p.text for family in training.values() for p in family)
    for word in set(re.findall(r" \w+|[.,:]", everything)):
        assert stories.tokenizer().decode([stories.tokenizer().token_id(word)]) == word


def test_the_stream_is_the_documents_with_a_mark_before_each():
    documents = list(islice(stories.documents(seed=4), 40))
    tokens = stories.token_stream(800, seed=4)

    text = "".join(stories.END_OF_TEXT + stories.text_of(document) for document in documents)
    assert len(tokens) == 800 and text.startswith(stories.tokenizer().decode(tokens))
    assert {len(document) for document in documents} == {2, 3, 4, 5}


def test_a_small_world_has_only_its_own_people():
    names = set(words.NAMES) - set(stories.SMALL_WORLD.names)
    text = "".join(passage.text for passage in islice(stories.passages(0, stories.SMALL_WORLD), 3_000))
    assert not names & set(re.findall(r"\w+", text))


# Prompts


@pytest.mark.parametrize("skill", stories.SKILLS)
@pytest.mark.parametrize("split", SPLITS)
def test_a_prompt_is_the_passage_up_to_its_answer(skill, split):
    decode = stories.tokenizer().decode
    asked = stories.prompts(skill, 40, torch.Generator().manual_seed(1), split)

    for row, passage in enumerate(asked.passages):
        text = decode(asked.tokens[row, 1 : asked.last[row] + 1])
        assert asked.tokens[row, 0] == stories.tokenizer().token_id(stories.END_OF_TEXT)
        assert passage.text.startswith(text + decode([asked.answer[row]]))
        assert text == passage.before("answer") and asked.answer[row] != asked.wrong[row]


@pytest.mark.parametrize("skill", stories.SKILLS)
def test_every_position_holds_the_word_of_its_role(skill):
    asked = stories.prompts(skill, 40, torch.Generator().manual_seed(2))

    assert torch.equal(asked.positions["END"], asked.last)
    for role in set(asked.positions) - {"END"}:
        tokens = asked.tokens[torch.arange(40), asked.positions[role]]
        words_there = [stories.tokenizer().decode([token]).strip() for token in tokens]
        assert words_there == [passage.span(role).word for passage in asked.passages]


def test_prompts_of_one_template_are_equally_long():
    asked = stories.prompts("ioi", 30, torch.Generator().manual_seed(3), "train", template="ioi/found")
    assert asked.tokens.shape == (30, 16) and set(asked.last.tolist()) == {15}


def test_prompts_follow_from_the_generator():
    def tokens(seed):
        return stories.prompts("ioi", 8, torch.Generator().manual_seed(seed), template="ioi/together").tokens.tolist()

    assert tokens(1) == tokens(1) != tokens(2)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (dict(skill="chess"), "no skill 'chess'; there are ioi, arrival"),
        (dict(skill="ioi", split="test"), "no split 'test'; there are train, new_names"),
        (dict(skill="ioi", template="ioi/flew"), "no template 'ioi/flew'; there are ioi/went"),
        (dict(skill="list", template="list/x"), "no template 'list/x'; there are list/again"),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused(asked, says):
    with pytest.raises(ValueError, match=says):
        stories.prompts(n=3, generator=torch.Generator(), **asked)


def test_pairs_differ_in_the_giver_alone():
    pairs = stories.make_pairs(50, seed=0)
    rows = torch.arange(50)

    differs = pairs["clean"] != pairs["corrupt"]
    assert torch.equal(differs.nonzero()[:, 1], pairs["S2"]) and differs.sum() == 50
    assert torch.equal(pairs["clean"][rows, pairs["IO"]], pairs["answer"])
    assert torch.equal(pairs["clean"][rows, pairs["S1"]], pairs["wrong"])
    assert torch.equal(pairs["clean"][rows, pairs["S2"]], pairs["wrong"])
    assert torch.equal(pairs["corrupt"][rows, pairs["S2"]], pairs["answer"])
    assert 10 < int((pairs["IO"] < pairs["S1"]).sum()) < 40
