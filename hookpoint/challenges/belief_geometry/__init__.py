"""What does it believe? Four numbers of the residual stream that carry an ideal observer's beliefs.

It has no points: there is one process, so whoever knows it can compute the beliefs and fit them, which is as good as
our expert. There is no attacker that copies: what is handed in reads the stream of a network that it was not made on.
"""

from ..definition import Challenge, later

__all__ = ["CHALLENGE"]


CHALLENGE = Challenge(
    id="belief_geometry",
    title="Belief geometry, blind",
    asks="A model learned to predict a hidden process: which four directions of its residual stream hold what an ideal "
    "observer believes about the process's state?",
    why="The next symbol is a coin flip most of the time, so what the model predicts shows little of what it has to "
    "keep in mind, and no single layer holds all of it. The directions of largest variance are about the last symbols "
    "read. A belief is what has to be known for all futures; the model can be asked about those.",
    standing="live table",
    difficulty="advanced",
    answer="find_map",
    contract='''def find_map(cfg: Config, weights: dict[str, Tensor], words: Tensor) -> Tensor:
    """Four directions of the residual stream, each over all layers side by side: [4, (cfg.n_layers + 1) * cfg.d_model].

    The model is model = GPT2(cfg); model.load_state_dict(weights). words [1500, 12] are words of the process, symbols 0
    and 1; each begins at a random time. The stream of a context is, at its last symbol and in this order,
    blocks.0.hook_resid_pre and blocks.0.hook_resid_post to blocks.2.hook_resid_post. Your map times the stream is four
    numbers for each context of 5 to 8 symbols. The score is the R2 of the best affine map from these to the exact
    beliefs about five states, over all contexts that there are. Directions count, not their lengths.
    60 s on one core.
    """''',
    unit="R2 of the beliefs",
    floor=0.4,
    ceiling=0.9,
    seconds=60.0,
    generate=later("hookpoint.challenges.belief_geometry.generate", "generate"),
    score=later("hookpoint.challenges.belief_geometry.score", "score"),
    make_seconds=30.0,
    hints=(
        "One layer may not hold everything: put the stream of all layers side by side.",
        "A belief is what you need to know for all futures, not for the next symbol. How many symbols ahead must you "
        "look before two states differ?",
        "Let the model give the probability of each of the sixteen next words of four symbols, regress these on the "
        "stream, and keep the four directions that are told best (canonical correlation).",
    ),
    problems=("L4.9", "L4.10"),
    sources=("Shai et al. 2024, Transformers represent belief state geometry in their residual stream",),
)
