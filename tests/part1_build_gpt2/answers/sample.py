# %% right="Gumbel noise"
import torch


def sample(logits, generator):
    u = torch.rand(logits.shape, generator=generator, dtype=torch.float64).clamp(min=1e-300)
    return (logits.double() - torch.log(-torch.log(u))).argmax(dim=-1)


# %% right="inverse of the running sum"
import torch


def sample(logits, generator=None):
    probs = torch.softmax(logits.double(), dim=-1)
    cdf = probs.cumsum(-1)
    u = torch.rand(len(logits), 1, generator=generator, dtype=torch.float64) * cdf[:, -1:]
    return (cdf <= u).sum(-1).clamp(max=logits.shape[-1] - 1)


# %% right="searchsorted in float32"
import torch


def sample(logits, generator):
    cdf = logits.float().softmax(-1).cumsum(-1)
    cdf = cdf / cdf[:, -1:]
    u = 1 - torch.rand(logits.shape[0], 1, generator=generator)
    return torch.searchsorted(cdf, u).squeeze(1)


# %% right="a loop over the rows"
import torch


def sample(logits, generator):
    ids = []
    for row in logits:
        ids.append(torch.multinomial(row.softmax(0), 1, generator=generator).item())
    return torch.tensor(ids)


# %% right="numpy, seeded from the generator"
import numpy as np
import torch


def sample(logits, generator):
    seed = torch.randint(2**31, (1,), generator=generator).item()
    dice = np.random.default_rng(seed)
    p = logits.double().softmax(-1).numpy()
    u = dice.random((len(p), 1)) * p.sum(1, keepdims=True)
    return torch.from_numpy((p.cumsum(1) <= u).sum(1)).clamp(max=p.shape[1] - 1)


# %% right="exponentials by hand, reversed rows"
import torch


def sample(logits, generator):
    below = logits - logits.max(dim=-1, keepdim=True).values
    weights = below.flip(-1).exp()
    drawn = torch.multinomial(weights, 1, generator=generator)[:, 0]
    return logits.shape[-1] - 1 - drawn


# %% right="a race of exponentials"
import torch


def sample(logits, generator):
    probs = logits.float().softmax(-1)
    return (probs / torch.empty_like(probs).exponential_(1.0, generator=generator)).argmax(-1)


# %% wrong="numpy's global dice"
import numpy as np
import torch


def sample(logits, generator):
    probs = logits.double().softmax(-1).numpy()
    return torch.tensor([np.random.choice(len(row), p=row / row.sum()) for row in probs])


# %% wrong="torch.distributions"
import torch


def sample(logits, generator):
    return torch.distributions.Categorical(logits=logits).sample()


# %% wrong="seeds the global dice"
import torch


def sample(logits, generator):
    torch.manual_seed(int(torch.randint(2**31, (), generator=generator)))
    return torch.multinomial(logits.softmax(-1), 1).squeeze(-1)


# %% wrong="same number for pairs of rows"
import torch


def sample(logits, generator):
    cdf = logits.double().softmax(-1).cumsum(-1)
    u = torch.rand((len(logits) + 1) // 2, generator=generator, dtype=torch.float64).repeat_interleave(2)
    return (cdf <= u[: len(logits), None] * cdf[:, -1:]).sum(-1)


# %% wrong="evenly spread numbers"
import torch


def sample(logits, generator):
    cdf = logits.double().softmax(-1).cumsum(-1)
    shift = torch.rand((), generator=generator, dtype=torch.float64)
    u = (torch.arange(len(logits)) + shift) / len(logits)
    return (cdf <= u[:, None] * cdf[:, -1:]).sum(-1)


# %% wrong="a temperature of 0.9"
import torch


def sample(logits, generator):
    return torch.multinomial((logits / 0.9).softmax(-1), 1, generator=generator).squeeze(-1)


# %% wrong="smoothed probabilities"
import torch


def sample(logits, generator):
    return torch.multinomial(logits.softmax(-1) + 1e-3, 1, generator=generator).squeeze(-1)


# %% wrong="a copy of the generator"
import torch


def sample(logits, generator):
    copy = torch.Generator().set_state(generator.get_state())
    return torch.multinomial(logits.softmax(-1), 1, generator=copy).squeeze(-1)


# %% wrong="scaled below the largest of the batch"
import torch


def sample(logits, generator):
    weights = (logits - logits.max()).exp() + 1e-30
    return torch.multinomial(weights, 1, generator=generator).squeeze(-1)


# %% wrong="half the rows are greedy"
import torch


def sample(logits, generator):
    drawn = torch.multinomial(logits.softmax(-1), 1, generator=generator).squeeze(-1)
    drawn[::2] = logits[::2].argmax(-1)
    return drawn


# %% wrong="a base of 2"
import torch


def sample(logits, generator):
    weights = torch.exp2(logits - logits.amax(-1, keepdim=True))
    return torch.multinomial(weights, 1, generator=generator).squeeze(-1)


# %% wrong="probabilities clamped at 1e-5"
import torch


def sample(logits, generator=None):
    return torch.multinomial(logits.softmax(-1).clamp(min=1e-5), 1, generator=generator)[:, 0]


# %% wrong="only a hundred tokens"
import torch


def sample(logits, generator=None):
    top = logits.topk(min(100, logits.shape[-1]))
    return top.indices.gather(1, torch.multinomial(top.values.softmax(-1), 1, generator=generator))[:, 0]


# %% wrong="numbers shared by the two halves"
import torch


def sample(logits, generator=None):
    half = (len(logits) + 1) // 2
    u = torch.rand(half, 1, generator=generator).repeat(2, 1)[: len(logits)]
    cdf = logits.double().softmax(-1).cumsum(-1)
    return torch.searchsorted(cdf, u.double() * cdf[:, -1:], right=True).squeeze(-1)


# %% right="random.Random seeded from the generator"
import random
import torch


def sample(logits, generator=None):
    seed = int(torch.randint(2**62, (1,), generator=generator))
    dice = random.Random(seed)
    p = logits.double().softmax(-1).tolist()
    return torch.tensor([dice.choices(range(len(row)), row)[0] for row in p])
