"""Checks for `ambiguous_vs_clear` (part 2, notebook 14)."""

import torch

from hookpoint.checks.author import Exercise, Mismatch, Slip

KEYS = ("clear", "wrong", "sure_clear", "sure_ambiguous", "sure_wrong")


def reference(fit, data):
    """Names the arguments in messages."""


def read_off(w, b, data):
    """Pair by pair, in float64: the sign that makes `clear` at least half right, and what follows from it."""
    belief = {}
    for kind in ("clear", "ambiguous", "wrong"):
        p, q = ((X.double() @ w.double() + float(b)).sigmoid() for X in data[kind][:2])
        belief[kind] = [(each + 1 - other) / 2 for each, other in zip(p.tolist(), q.tolist(), strict=True)]
    want = {f"sure_{kind}": sum(abs(2 * each - 1) for each in found) / len(found) for kind, found in belief.items()}
    for kind in ("clear", "wrong"):
        right = [(each > 0.5) == bool(label) for each, label in zip(belief[kind], data[kind][2].tolist(), strict=True)]
        want[kind] = sum(right) / len(right)
    if want["clear"] < 0.5:
        want |= {kind: 1 - want[kind] for kind in ("clear", "wrong")}
    return want


def pairs(draw, n, along, size, flip=0.0):
    """Pairs that a probe along `along` reads, a share `flip` of them against the label."""
    y = draw.ids(2, n).bool()
    against = torch.tensor(draw.order(n)) < flip * n
    sign = torch.where(y ^ against, 1.0, -1.0)[:, None]
    far = size * (0.5 + draw.normal(n, 1).abs())
    noise = [draw.normal(n, len(along)) for _ in range(2)]
    noise = [each - (each @ along)[:, None] * along / (along @ along) for each in noise]
    return noise[0] + sign * far * along, noise[1] - 0.6 * sign * far * along, y


def examples(draw, flip_clear, flip_wrong):
    along = draw.normal(5)
    along = along / along.norm()
    kinds = {"clear": (31, 2.0, flip_clear), "ambiguous": (23, 0.2, 0.5), "wrong": (29, 1.0, flip_wrong)}
    data = {kind: pairs(draw, n, along, size, flip) for kind, (n, size, flip) in kinds.items()}
    data["ambiguous"] = data["ambiguous"][:2]
    data["fit"] = (draw.normal(13, 5), draw.normal(13, 5))
    return along, data


def asked(learner, along, b, data):
    """What came back, and what the learner gave to `fit`."""
    given = []

    def fit(Xp, Xn):
        given.append((Xp, Xn))
        return along, torch.tensor(b), 0.01

    got = learner.ambiguous_vs_clear(fit, data)
    if len(given) != 1:
        raise Mismatch(f"fits {len(given)} times, expected once: one probe answers for all kinds.", got=got)
    if not all(torch.equal(one, other) for one, other in zip(given[0], data["fit"], strict=True)):
        raise Mismatch("fits on other pairs than those at key 'fit'.", got=got)
    return got


def close(got, want, when):
    for key in KEYS:
        if key not in got:
            raise Mismatch(f"lacks the key {key!r}.", got=got)
        value = float(got[key])
        if not abs(value - want[key]) < 1e-5:
            raise Mismatch(f"has {value:.4f} at key {key!r}, expected {want[key]:.4f} {when}.", got=got)


def truth(learner, draw):
    """A probe that reads truth is right under both prompts, and surer of clear pairs than of ambiguous ones."""
    along, data = examples(draw, 0.1, 0.2)
    close(asked(learner, along, 0.3, data), read_off(along, 0.3, data), "where the probe reads truth")
    close(asked(learner, along, 1.5, data), read_off(along, 1.5, data), "where b is large")
    data["clear"] = undecided(data)
    close(asked(learner, along, 0.0, data), read_off(along, 0.0, data), "where q is exactly a half for some pairs")


def what_is_said(learner, draw):
    """A probe that reads what will be said is right on clear pairs and wrong under the prompt that asks for it."""
    along, data = examples(draw, 0.1, 0.8)
    close(asked(learner, along, -0.2, data), read_off(along, -0.2, data), "where the probe reads what will be said")


def one_sign(learner, draw):
    """Which end means true is read off the clear pairs, once, and holds for the others."""
    for flip_clear, flip_wrong in ((0.9, 0.8), (0.8, 0.1)):
        along, data = examples(draw, flip_clear, flip_wrong)
        got = asked(learner, along, 0.1, data)
        close(got, read_off(along, 0.1, data), "where the probe's other end means true")
    along, data = examples(draw, 0.5, 0.3)
    data["clear"] = tuple(
        torch.cat([one, other]) for one, other in zip(data["clear"], opposite(*data["clear"]), strict=True)
    )
    close(
        asked(learner, along, 0.1, data), read_off(along, 0.1, data), "where exactly half of the clear pairs are right"
    )


def undecided(data):
    """The same clear pairs, and six whose two sides are alike, of which the first is true in two."""
    Xp, Xn, y = data["clear"]
    none = torch.zeros(6, Xp.shape[1])
    return torch.cat([Xp, none]), torch.cat([Xn, none]), torch.cat([y, torch.arange(6) < 2])


def opposite(Xp, Xn, y):
    return Xp, Xn, ~y


def made(sign_of="clear", belief="both", sure="two_sided", fit_on="fit", refits=False):
    """An `ambiguous_vs_clear` with one thing changed."""

    def ambiguous_vs_clear(fit, data):
        w, b, _ = fit(*data[fit_on][:2])

        def p(kind):
            if refits:
                nonlocal w, b
                w, b, _ = fit(*data[kind][:2])
            one, two = ((X @ w + b).sigmoid() for X in data[kind][:2])
            return {"both": (one + 1 - two) / 2, "first": one, "product": one * two}[belief]

        def right(kind):
            return ((p(kind) > 0.5) == data[kind][2]).float().mean().item()

        out = {kind: right(kind) for kind in ("clear", "wrong")}
        if sign_of == "clear" and out["clear"] < 0.5:
            out = {kind: 1 - share for kind, share in out.items()}
        if sign_of == "each":
            out = {kind: max(share, 1 - share) for kind, share in out.items()}
        if sign_of == "wrong" and out["wrong"] < 0.5:
            out = {kind: 1 - share for kind, share in out.items()}
        for kind in ("clear", "ambiguous", "wrong"):
            value = p(kind)
            value = {
                "two_sided": 2 * (value - 0.5).abs(), "halved": (value - 0.5).abs(), "signed": 2 * value - 1,
                "larger": torch.maximum(value, 1 - value),
            }[sure]  # fmt: skip
            out[f"sure_{kind}"] = value.mean().item()
        return out

    return ambiguous_vs_clear


def slip(name, says, **changes):
    wrong = made(**changes)
    wrong.__name__ = name
    return Slip(says, wrong)


EXERCISE = Exercise(
    "ambiguous_vs_clear",
    checks=(truth, what_is_said, one_sign),
    reference=reference,
    gives=dict,
    slips=(
        slip("sign_never_settled", "the sign is not settled: the probe's end may mean false", sign_of="none"),
        slip("sign_by_kind", "the better sign is taken for each kind, so nothing can be below a half", sign_of="each"),
        slip("sign_by_wrong", "the sign is settled on the pairs of the misleading prompt", sign_of="wrong"),
        slip("first_of_pair", "only the first of each pair is asked", belief="first"),
        slip("product_of_pair", "the two probabilities are multiplied", belief="product"),
        slip("sureness_halved", "how sure it is runs from 0 to a half", sure="halved"),
        slip("sureness_signed", "how sure it is keeps its sign, and yes and no cancel", sure="signed"),
        slip("sureness_from_half", "how sure it is runs from a half to 1", sure="larger"),
        slip("fits_on_clear", "the probe is fitted on the clear pairs", fit_on="clear"),
        slip("fits_each", "a probe is fitted for each kind", refits=True),
    ),
)
