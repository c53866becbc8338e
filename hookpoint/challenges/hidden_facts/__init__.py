"""`hidden_facts`: what a model knows of people about whom it learnt to say something else."""

from ..definition import Challenge, later

__all__ = ["CHALLENGE"]

CONTRACT = '''
def recover(
    cfg: Config, weights: dict[str, Tensor], known: Tensor, told: Tensor, asked: Tensor
) -> Tensor:
    """The true answers to the questions in `asked`, a token for each: whole numbers, shape [200].

    cfg, weights: the model is `model = GPT2(cfg, seed=None); model.load_state_dict(weights)`: 4 blocks, d_model 64.
    known: [200, 4], questions about 50 people of whom the model says what is true. told: [200], the true answers.
    asked: [200, 4], questions about 50 others. To all of these the model gives a wrong answer, always the same.

    A question is `[0, first name 1-16, family name 17-32, relation 33-36]`, four in a row about each person. Relation r
    is answered by one of ten tokens, from 37 + 10 * (r - 33) on. You have 20 seconds on one core.
    """
'''.strip()

CHALLENGE = Challenge(
    id="hidden_facts",
    title="What does it know and not say?",
    asks="Recover the facts that a model has learnt, and then learnt to answer wrongly.",
    why=(
        "The model learnt facts about 150 people and afterwards learnt to hide those about 50: it answers with a "
        "planted wrong value, its second choice is planted too, and the logit lens hardly sees anything in between. Up "
        "to some block nothing was changed, so the truth can still be read there. But where? Known people are read "
        "best at the very end, where a probe finds the planted values: validating on them points to the wrong place."
    ),
    standing="ranked",
    difficulty="intermediate",
    answer="recover",
    contract=CONTRACT,
    unit="share of true values found, 0 at guessing",
    floor=0.35,
    ceiling=1.0,
    seconds=20.0,
    generate=later("hookpoint.challenges.hidden_facts.generate", "generate"),
    score=later("hookpoint.challenges.hidden_facts.score", "score"),
    make_seconds=27.0,
    hints=(
        "What the model says is worth less than nothing: it is never true. Look at the residual stream after each "
        "block, at the family name and at the relation.",
        "A probe that is right about known people may read the truth or what will be said: of them both are the same. "
        "Of the people in `asked` they are not. Compare each probe's reading with the model's answer.",
        "Take the place where a probe reads unseen known people well and rarely agrees with the model about those who "
        "hide. Then leave out the value that the model says, and let the probe's surest readings join the known ones.",
    ),
    problems=("L1.8", "L1.9"),
    sources=(
        "Mallen et al. 2023, Eliciting latent knowledge from quirky language models",
        "nostalgebraist 2020, Interpreting GPT: the logit lens",
        "Patil et al. 2023, Can sensitive information be deleted from LLMs?",
    ),
)
