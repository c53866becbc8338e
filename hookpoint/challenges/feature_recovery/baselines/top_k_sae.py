"""A top-k sparse autoencoder, k = 4."""

import torch
from torch import Tensor

from hookpoint.zoo.architectures.sae import SAE, sae_loss

ROWS, K, STEPS, BATCH = 128, 4, 2500, 512


def recover(train: Tensor, fresh: Tensor) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    sae = SAE(train.shape[1], ROWS, k=K)
    sae.start_from(train[torch.randperm(len(train), generator=generator)[:ROWS]])
    optimizer = torch.optim.Adam(sae.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.05, STEPS)
    for _ in range(STEPS):
        batch = train[torch.randint(len(train), (BATCH,), generator=generator)]
        loss = sae_loss(sae, batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        sae.normalise_decoder_()
    with torch.no_grad():
        return sae.W_dec, sae(fresh)[1]
