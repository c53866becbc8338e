"""Which models can be looked at: those of text, those whose tokens have names, and what stands beside a name."""

__all__ = ["CIRCUITS", "LABELS", "SHIPPED", "SYMBOLS", "TEXT", "label"]

TEXT = ("stories", "stories_few_names", "trojan", "facts", "factcheck")
SYMBOLS = ("induction", "induction_one_layer")
CIRCUITS = tuple(
    f"circuit_{name}"
    for name in (
        *("reverse", "count", "induction", "sort", "majority", "brackets", "max"),
        *("hard_cancel", "hard_backup", "hard_negative", "hard_mixed"),
    )
)
SHIPPED = (*TEXT, *SYMBOLS, *CIRCUITS)

LABELS = {
    "stories": "stories · 3 layers",
    "stories_few_names": "stories, few names",
    "trojan": "trojan · stories with a backdoor",
    "facts": "facts · people with two names",
    "factcheck": "factcheck · true or false",
    "induction": "induction · 2 layers, attention only",
    "induction_one_layer": "induction, one layer",
}


def label(name: str) -> str:
    """How a model is called on the page.

    >>> label("circuit_hard_mixed"), label("part1/mine/model.safetensors")
    ('compiled · hard mixed', 'your own · part1/mine')
    """
    if name.startswith("circuit_"):
        return f"compiled · {name.removeprefix('circuit_').replace('_', ' ')}"
    if name.endswith(".safetensors"):
        return f"your own · {name.rpartition('/')[0]}"
    return LABELS.get(name, name)
