"""Checks for `resample_ablate` (part 2, notebook 09)."""

import torch

from hookpoint.checks.author import WHOLE, Exercise, Mismatch, Slip

from ._edits import drawn_texts, must_raise, same_edit, with_head, z_of
from ._forward import model_of, pair_of, run, some_weights

HEADS, K = 3, 2


def reference(layer, head, generator):
    """Names the arguments in messages."""


def labelled(texts, positions=4):
    """A z in which every number says where it comes from: text, position, head, k."""
    axes = (torch.arange(n, dtype=torch.float32) * 10**p for n, p in ((texts, 3), (positions, 2), (HEADS, 1), (K, 0)))
    return sum(torch.meshgrid(*axes, indexing="ij"))


def sources(learner, pair, head, texts):
    """Which text each text's head now comes from. Raises `Mismatch` if anything else has changed."""
    z = labelled(texts)
    got = learner.given.apply_hook(pair_of(pair), z)
    if got.shape != z.shape:
        raise Mismatch(f"gives an edit that makes a value of shape {list(got.shape)} of one of {list(z.shape)}.")
    others = [at for at in range(HEADS) if at != head]
    if not torch.equal(got[:, :, others], z[:, :, others]):
        raise Mismatch(f"gives an edit that changes other heads than head {head} of the layer.")
    moved = got[:, :, head]
    source = (moved[:, 0, 0] // 1000).long()
    if not ((source >= 0) & (source < texts)).all():
        raise Mismatch("gives an edit whose output is not the head's output on another text of the batch.")
    if not torch.equal(moved, z[source, :, head]):
        line = "  One text's output goes to another text whole: all positions, in their order."
        raise Mismatch("gives an edit that mixes the outputs of several texts or positions.", line)
    return source.tolist()


def deranged(source):
    """Raises `Mismatch` unless every text is used once and none keeps its own."""
    if sorted(source) != list(range(len(source))):
        line = "  Every text's output is used exactly once: the texts change places."
        raise Mismatch(f"gives {len(source)} texts the outputs of {source}: that is no permutation.", line)
    if kept := [text for text, other in enumerate(source) if text == other]:
        line = f"  The order of {len(source)} texts was {source}."
        raise Mismatch(f"leaves text {kept[0]} its own output: it is not ablated at all.", line)


def another_text(learner, draw):
    """Each text gets the head's output on another text of the batch, whole, and every text is used once."""
    for texts, head in ((2, 0), (3, 2), (7, 1), (2, 1), (3, 0), (2, 2)):
        for _ in range(4):
            deranged(sources(learner, learner.resample_ablate(1, head, draw.generator()), head, texts))


def seeded(learner, draw):
    """Generators in one state give one permutation, whatever the layer and head; others can give another one."""
    orders, generator, texts = [], draw.generator(), 6
    for _ in range(12):
        torch.rand(1, generator=generator)  # another state, though the seed was the same
        state = generator.get_state()
        if learner.given.rolls_dice(pair_of(learner.resample_ablate(0, 1, generator)), labelled(texts)):
            raise Mismatch("gives an edit that changes torch's global random state.", "  Draw from generator alone.")
        found = []
        for layer, head in ((0, 1), (1, 1), (0, 2)):
            again = torch.Generator()
            again.set_state(state)
            found.append(sources(learner, learner.resample_ablate(layer, head, again), head, texts))
        if found[0] != found[1] or found[0] != found[2]:
            line = f"  They are {found[0]}, {found[1]} and {found[2]} for (layer, head) (0, 1), (1, 1) and (0, 2)."
            raise Mismatch("gives different permutations for generators in the same state.", line)
        orders.append(tuple(found[0]))
        if len(orders) == 3 and len(set(orders)) == 3:
            return
    if len(set(orders)) == 1:
        raise Mismatch("gives the same permutation for 12 generators in different states.", "  Draw it from generator.")


def in_a_model(learner, draw):
    """In a run it is the z of the layer and head that change places."""
    for layer, head, dtype in ((0, 2, torch.float32), (1, 0, torch.float64)):
        weights, tokens = some_weights(draw, dtype=dtype), drawn_texts(draw, 5, 4)
        model, generator = model_of(learner, weights), draw.generator()
        state = generator.get_state()
        again = torch.Generator()
        again.set_state(state)
        source = sources(learner, learner.resample_ablate(layer, head, again), head, 5)
        pair = learner.resample_ablate(layer, head, generator)
        plain = run(tokens, weights)[1][z_of(layer)][source][:, :, head]
        edits = {z_of(layer): [with_head(head, plain)]}
        same_edit(learner, model, tokens, weights, [pair], edits, "in a model of two layers")


def any_number_of_texts(learner, draw):
    """The number of texts may differ from call to call; a single text is an error."""
    pair = learner.resample_ablate(0, 1, draw.generator())
    for texts in (5, 3, 6):
        deranged(sources(learner, pair, 1, texts))
    otherwise = "gives an edit that takes a batch of one text without an error."
    must_raise(otherwise, learner.given.apply_hook, pair_of(pair), labelled(1))


def cycle(batch, generator):
    if batch < 2:
        raise ValueError("one text")
    order = torch.randperm(batch, generator=generator)
    source = torch.empty_like(order)
    source[order] = order.roll(1)
    return source


def moving(layer, head, change):
    def hook(z, point):
        z_new = z.clone()
        change(z_new, z)
        return z_new

    return f"blocks.{layer}.attn.hook_z", hook


def right(layer, head, generator):
    def change(new, z):
        new[:, :, head] = z[cycle(len(z), generator)][:, :, head]

    return moving(layer, head, change)


def some_keep_theirs(layer, head, generator):
    def change(new, z):
        if len(z) < 2:
            raise ValueError("one text")
        new[:, :, head] = z[torch.randperm(len(z), generator=generator)][:, :, head]

    return moving(layer, head, change)


def with_replacement(layer, head, generator):
    def change(new, z):
        new[:, :, head] = z[torch.randint(len(z), (len(z),), generator=generator)][:, :, head]

    return moving(layer, head, change)


def each_from_any_other(layer, head, generator):
    def change(new, z):
        batch = len(z)
        steps = torch.randint(1, batch, (batch,), generator=generator)
        new[:, :, head] = z[(torch.arange(batch) + steps) % batch][:, :, head]

    return moving(layer, head, change)


def rolled_by_one(layer, head, generator):
    def change(new, z):
        if len(z) < 2:
            raise ValueError("one text")
        new[:, :, head] = z.roll(1, 0)[:, :, head]

    return moving(layer, head, change)


def own_order_at_each_position(layer, head, generator):
    def change(new, z):
        for at in range(z.shape[1]):
            new[:, at, head] = z[cycle(len(z), generator)][:, at, head]

    return moving(layer, head, change)


def positions_shuffled(layer, head, generator):
    def change(new, z):
        new[:, :, head] = z[:, cycle(z.shape[1], generator)][:, :, head]

    return moving(layer, head, change)


def heads_shuffled(layer, head, generator):
    def change(new, z):
        new[:] = z[:, :, cycle(z.shape[2], generator)]

    return moving(layer, head, change)


def whole_layer(layer, head, generator):
    def change(new, z):
        new[:] = z[cycle(len(z), generator)]

    return moving(layer, head, change)


def seed_by_layer(layer, head, generator):
    generator.manual_seed(generator.initial_seed() + 1009 * layer + 31 * head)
    return right(layer, head, generator)


def overwritten_while_read(layer, head, generator):
    def change(new, z):
        for to, source in enumerate(cycle(len(z), generator).tolist()):
            new[to, :, head] = new[source, :, head]

    return moving(layer, head, change)


def seed_ignored(layer, head, generator):
    return right(layer, head, torch.Generator().manual_seed(0))


def mean_of_others(layer, head, generator):
    def change(new, z):
        new[:, :, head] = (z.sum(0) - z)[:, :, head] / (len(z) - 1)

    return moving(layer, head, change)


def one_text_kept(layer, head, generator):
    def change(new, z):
        if len(z) > 1:
            new[:, :, head] = z[cycle(len(z), generator)][:, :, head]

    return moving(layer, head, change)


def first_call_remembered(layer, head, generator):
    drawn = []

    def change(new, z):
        if not drawn:
            drawn.append(cycle(len(z), generator))
        new[:, :, head] = z[drawn[0]][:, :, head]

    return moving(layer, head, change)


EXERCISE = Exercise(
    "resample_ablate",
    checks=(another_text, seeded, in_a_model, any_number_of_texts),
    reference=reference,
    tolerance=WHOLE,
    needs={"run_with_hooks": "ours_run_with_hooks", "run_with_cache": "ours_run_with_cache"},
    slips=(
        Slip("a plain random permutation is drawn, which may leave a text its own output", some_keep_theirs),
        Slip("texts are drawn with replacement, its own among them", with_replacement),
        Slip("each text draws any other one by itself, so that one may be used twice", each_from_any_other),
        Slip("the batch is always rolled by one, and nothing is drawn", rolled_by_one),
        Slip("each position has a permutation of its own", own_order_at_each_position),
        Slip("the positions of a text change places, not the texts", positions_shuffled),
        Slip("the heads change places, not the texts", heads_shuffled),
        Slip("all heads of the layer are resampled", whole_layer),
        Slip("the seed depends on layer and head", seed_by_layer),
        Slip("outputs are read from the edited tensor, after some are overwritten", overwritten_while_read),
        Slip("a fixed seed is used instead of the generator", seed_ignored),
        Slip("each text gets the mean of the others", mean_of_others),
        Slip("a single text keeps its output, without an error", one_text_kept),
        Slip("the permutation of the first call is used for every batch after it", first_call_remembered),
    ),
)  # fmt: skip
