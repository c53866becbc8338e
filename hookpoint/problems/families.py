"""Which general starter a problem gets that has none of its own: by what to know for it, its topic, its category.

A rule is (where to look, what has to stand there, the family); the first that fits decides. Every category has a rule
at the end, so every problem has a family.
"""

from .schema import Problem

__all__ = ["FAMILIES", "family"]

# Family: what its starter measures on which models of the zoo.
FAMILIES = {
    "neurons": "what a neuron of `stories` fires on, beside neurons of the same model untrained",
    "circuits": "direct attribution and ablation of the heads of `stories`, beside heads drawn at random",
    "heads": "what the heads of `induction` look at, beside one layer and the untrained model",
    "facts": "where `facts` looks up what it knows, beside every other place",
    "discovery": "ablation on a compiled circuit with an answer key, beside a ranking drawn at random",
    "algorithms": "where `sort_list` looks and what it costs to take that away, beside an even look",
    "grokking": "frequencies and accuracy at the checkpoints of `grokking`, beside the memorised ones",
    "training": "the scores of the heads of `induction` at its checkpoints, beside one layer",
    "comparing": "what parts of `trojan` do in `stories`, beside prompts without the trigger",
    "superposition": "the features of `superposition_5_2` and `_20_5`, beside random directions",
    "dictionaries": "what `sae_40_16` finds, beside an autoencoder on data without features",
    "images": "what the vision models keep of an image, beside the untrained one",
    "search": "how far `pathfinder` climbs at each layer, beside one layer and shuffled labels",
    "probes": "what can be read off the states of `stories`, beside shuffled labels and no training",
    "beliefs": "an observer's belief in the stream of `clock`, beside what is simpler",
}

# What the rules below would send elsewhere.
BY_NAME = {
    "neurons": "2.30 L4.11 T.15 T.16",
    "circuits": "3.18 3.19 3.22 4.23 5.34 L1.12 L2.2 L2.5",
    "heads": "2.1 2.10 2.20 2.25a 2.27 2.31 2.33 3.16 3.21 4.21 4.22 4.24 6.59 T.26",
    "facts": "2.6 2.9 6.14 6.25 L4.4",
    "discovery": "L1.4 L1.6 L1.7 L1.8 L1.10 L1.11 L2.8 T.23 T.38 T.39",
    "grokking": "3.3 3.4 3.23 3.24 3.25 3.26 3.28 3.29 L2.6 L4.8",
    "training": "5.9 5.10 5.11 5.12 5.13 5.14 L2.4 T.17 T.18 T.19",
    "comparing": "6.49 6.50 6.51 6.52 6.53 6.54 6.55 6.56 6.57 6.58 8.10 8.12 8.13 L2.7 L5.14 L5.15",
    "superposition": "L4.12",
    "dictionaries": "4.25 4.26 4.27 6.43 L1.1 L1.2 L1.3 L1.5 T.4 T.5",
    "search": "3.10 3.20 3.30 3.31 3.32 3.33",
    "probes": "4.35 4.36",
    "beliefs": "4.18 4.19 L4.9 L4.10 T.34 T.35",
}
RULES = (
    ("prerequisites", ("model editing",), "facts"),
    ("prerequisites", ("toy models of superposition",), "superposition"),
    ("prerequisites", ("learned search", "reinforcement learning", "RLHF", "decision transformers"), "search"),
    ("prerequisites", ("CNNs", "vision circuits", "CLIP", "diffusion models"), "images"),
    ("prerequisites", ("CCS", "labelling by rule"), "probes"),
    ("prerequisites", ("grokking",), "grokking"),
    ("topic", ("Understanding fine-tuning",), "comparing"),
    ("topic", ("Path dependence", "theory"), "grokking"),
    ("topic", ("Automatically finding heads", "Detecting composition", "Features that fix bugs"), "heads"),
    ("topic", ("Understanding neurons", "SoLU versus GELU", "Neuron superposition in real models"), "neurons"),
    ("topic", ("Understanding heads and neurons with dataset examples", "LLMs to help interpret"), "neurons"),
    ("topic", ("Bottleneck superposition in real language models", "Replications"), "neurons"),
    ("topic", ("Exploring neurons", "Curiosities about neurons", "Comparing models"), "neurons"),
    ("topic", ("Circuits and tooling",), "discovery"),
    ("category", ("toy_language_models",), "heads"),
    ("category", ("circuits_in_the_wild", "techniques"), "circuits"),
    ("category", ("algorithmic_problems",), "algorithms"),
    ("category", ("superposition",), "superposition"),
    ("category", ("training_dynamics",), "training"),
    ("category", ("image_models",), "images"),
    ("category", ("reinforcement_learning",), "search"),
    ("category", ("learned_features", "foundations", "applications", "themes"), "probes"),
    ("category", ("circuit_discovery", "puzzles_and_guarantees"), "discovery"),
    ("category", ("dictionaries",), "dictionaries"),
)


def family(problem: Problem) -> str:
    """The name of the general starter that fits the problem best."""
    for name, ids in BY_NAME.items():
        if problem.id in ids.split():
            return name
    return next(chosen for where, wanted, chosen in RULES if says(problem, where).intersection(wanted))


def says(problem: Problem, where: str) -> set[str]:
    value = getattr(problem, where)
    return set(value) if isinstance(value, tuple) else {value}
