# %% [markdown]
# # 5.12 Progress measure for head composition
# Induction needs two heads in a row, and neither is of use without the other. How does training get there? A quantity
# that rises *before* the pair works would show the way, and could warn of it. You compare four candidates on the 20
# checkpoints of `induction`: from the weights, from where heads look, and from what an intervention does, with other
# pairs as the control. It is one run; the order of events in others is yours to check.

# %%
import torch

from hookpoint import pictures, zoo
from hookpoint.interp import induction
from hookpoint.interp.qk_ov import composition_score, ov_matrix, qk_matrix

run = zoo.open("induction")
HALF = 20
texts = induction.repeated_tokens(60, HALF, 64, seed=0, bos=0)
final = run.model


def looks(model):
    """The previous-token scores of layer 0 and the induction scores of layer 1."""
    with torch.no_grad():
        _, cache = model.run_with_cache(texts, lambda point: point.endswith("hook_pattern"))
    first, second = cache.values()
    return induction.prev_token_score(first), induction.induction_score(second, HALF)


previous, copying = looks(final)
sender, receiver = int(previous.argmax()), int(copying.argmax())
print(f"at the end, previous-token head 0.{sender}: {float(previous[sender]):.2f}")
print(f"at the end, induction head 1.{receiver}: {float(copying[receiver]):.2f}")

# %% [markdown]
# **Write your prediction here before you run the next cell.** Put these in the order in which they will rise: the
# weights of the two heads fit together; the first head looks one back; the second looks where it should; hiding the
# first from the second's keys hurts.


# %%
def k_scores(model):
    """The K-composition score of every pair, [head of layer 0, head of layer 1]."""
    with torch.no_grad():
        return torch.tensor(
            [
                [composition_score(ov_matrix(model, 0, one), qk_matrix(model, 1, two).T) for two in range(4)]
                for one in range(4)
            ]
        )


measured = {
    "weights fit (K)": [],
    "weights fit, other pairs": [],
    "looks one back": [],
    "looks where it should": [],
    "hiding hurts": [],
}
others = torch.ones(4, 4, dtype=torch.bool)
others[previous > 0.2] = False  # pairs of a head that does not look back in the end
for step in run.steps:
    model = run.at(step)
    weights, (back, where) = k_scores(model), looks(model)
    measured["weights fit (K)"].append(float(weights[sender, receiver]))
    measured["weights fit, other pairs"].append(float(weights[others].mean()))
    measured["looks one back"].append(float(back[sender]))
    measured["looks where it should"].append(float(where[receiver]))
    with torch.no_grad():
        effect = induction.k_composition_check(model, (0, sender), (1, receiver), texts, HALF)["effect"]
    measured["hiding hurts"].append(effect)
pictures.curve(
    measured, x=run.steps, xlabel="updates", title=f"Heads 0.{sender} and 1.{receiver} on their way to each other"
)

# %% [markdown]
# "Weights fit, other pairs" is the control: the mean over pairs whose first head does not look back in the end. If all
# pairs rise together, the score follows the growth of the weights and not of composition.
#
# To compare the order, bring each to its own range and ask when it has gone a tenth, and a half, of its way.

# %%
rows = []
for name, values in measured.items():
    values = torch.tensor(values)
    way = (values - values[0]) / (values[-1] - values[0])
    reached = [
        next(step for step, done in zip(run.steps, way.tolist(), strict=True) if done >= share) for share in (0.1, 0.5)
    ]
    rows.append(reached)
    print(f"{name:26} from {float(values[0]):.3f} to {float(values[-1]):.3f}: a tenth, a half at steps {reached}")
pictures.heatmap(
    torch.tensor(rows, dtype=torch.float),
    list(measured),
    ["a tenth", "a half"],
    "Updates until so much of the way is gone",
    signed=False,
)

# %% [markdown]
# Mind two things. The pair was chosen at the *end* of the run, so this describes and does not foresee. And a tenth of
# the way is within the noise for a line that wobbles before the jump: look at the first figure before you believe the
# order.

# %% [markdown]
# ## Where to go from here
# - Without looking ahead: at each checkpoint take the pair with the highest score *then*. Does it become the final
#   pair, and from which step on? Control: a pair drawn at random at each step.
# - Ten runs of `zoo.train("induction_live", seed=...)`, checkpoints every 50 updates: how often does each order occur?
# - Other candidates: the gradient that reaches the first head through the second; the overlap of what one writes with
#   what the other's keys read, weighted by real activations.
# - Intervene: take the candidate's direction out of the first head's output early in training, and see whether the jump
#   comes later. As much taken out elsewhere is the control.
