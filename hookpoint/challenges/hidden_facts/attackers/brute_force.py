"""Many askings: noise on the names, what comes up beside the usual answer

Each question is asked 200 times with noise of growing size in the embedding of its names. Over the askings in which the
model does not give its usual answer, the values' probabilities are added up.
"""

import torch

from hookpoint.model import GPT2

SIZES, TIMES = (0.25, 0.5, 0.75, 1.0), 50


@torch.no_grad()
def recover(cfg, weights, known, told, asked):
    model = GPT2(cfg, seed=None)
    model.load_state_dict(weights)
    generator = torch.Generator().manual_seed(0)
    values = 37 + 10 * (asked[:, -1:] - 33) + torch.arange(10)
    usual = model(asked)[:, -1].gather(1, values).argmax(1, keepdim=True)
    spread = model.embed.W_E[1:33].std()
    votes = torch.zeros(len(asked), 10)
    for size in SIZES:
        for _ in range(TIMES):
            noise = torch.zeros(*asked.shape, cfg.d_model)
            noise[:, 1:3] = size * spread * torch.randn(len(asked), 2, cfg.d_model, generator=generator)
            logits = model.run_with_hooks(asked, [("hook_embed", lambda act, point, noise=noise: act + noise)])
            votes += logits[:, -1].gather(1, values).softmax(1)
    return values.gather(1, votes.scatter(1, usual, -1).argmax(1, keepdim=True))[:, 0]
