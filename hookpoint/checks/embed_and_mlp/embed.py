"""Checks for `embed` (part 1, notebook 02)."""

from dataclasses import replace

import torch
from torch import nn

from hookpoint.checks.author import Exercise, Slip, build, same

from ._parts import CFG, drawn, leaves, same_leaf_gradients, untouched

# As many tokens as features: here a transposed table has the right shape and only the numbers tell.
SQUARE = replace(CFG, d_vocab=13)
# More tokens than half precision or a byte can count, few features.
LARGE = replace(CFG, d_vocab=4099, d_model=3)


def reference(tokens, W_E):
    """One row of the table at a time."""
    return torch.stack([torch.stack([W_E[int(token)] for token in row]) for row in tokens])


def table(draw, cfg, dtype=torch.float32):
    return drawn(draw, dtype, W_E=(cfg.d_vocab, cfg.d_model))


def values(learner, draw):
    """Each token id picks its row of W_E, in every row of the batch."""
    for cfg in (SQUARE, CFG):
        weights = table(draw, cfg)
        module = build(learner.Embed, cfg, weights)
        for shape in ((3, 7), (2, 1), (1, 1)):
            tokens = draw.ids(cfg.d_vocab, *shape)
            same(module(tokens), reference(tokens, **weights))
    tokens = draw.ids(CFG.d_vocab, 7, 3).T
    same(module(tokens), reference(tokens, **weights), "with tokens that are not contiguous")
    untouched(learner, module, weights)
    step = draw.normal(*weights["W_E"].shape)
    learner.given.add_to(module, "W_E", step)
    same(module(tokens), reference(tokens, weights["W_E"] + step), "after a change of W_E")


def large_vocabulary(learner, draw):
    """Ids beyond what a byte or half precision can hold find their row too; float64 weights give float64."""
    weights = table(draw, LARGE, torch.float64)
    tokens = torch.cat(
        [draw.ids(LARGE.d_vocab, 2, 5), torch.tensor([[255, 256, 2049, 4098], [257, 2051, 4095, 4097]])], 1
    )
    same(build(learner.Embed, LARGE, weights)(tokens), reference(tokens, **weights))


def gradient(learner, draw):
    """The gradient reaches exactly the rows that were used, once for every use."""
    weights = leaves(table(draw, CFG, torch.float64))
    tokens = torch.cat([draw.ids(CFG.d_vocab, 2, 4), torch.tensor([[0, 5, 5], [5, 0, CFG.d_vocab - 1]])], 1)
    module = build(learner.Embed, CFG, weights)
    same_leaf_gradients(module, lambda tokens: reference(tokens, **weights), weights, tokens)


class Table(nn.Module):
    """The contract's parameter; the slips change what is read from it."""

    def __init__(self, cfg):
        super().__init__()
        self.cfg, self.W_E = cfg, nn.Parameter(torch.zeros(cfg.d_vocab, cfg.d_model))

    def forward(self, tokens):
        return self.W_E[tokens]


class columns(Table):
    def forward(self, tokens):
        return self.W_E.T[tokens]


class scaled(Table):
    def forward(self, tokens):
        return self.W_E[tokens] * self.cfg.d_model**0.5


class first_row_only(Table):
    def forward(self, tokens):
        return self.W_E[tokens[0]]


class positions_first(Table):
    def forward(self, tokens):
        return self.W_E[tokens].transpose(0, 1)


class features_first(Table):
    def forward(self, tokens):
        return self.W_E[tokens].mT


class squeezed(Table):
    def forward(self, tokens):
        return self.W_E[tokens].squeeze()


class shifted(Table):
    def forward(self, tokens):
        return self.W_E[tokens - 1]


class flat(Table):
    def forward(self, tokens):
        return self.W_E[tokens.reshape(-1)]


class detached(Table):
    def forward(self, tokens):
        return self.W_E.detach()[tokens]


class padding_row(Table):
    def forward(self, tokens):
        return nn.functional.embedding(tokens, self.W_E, padding_idx=0)


class ids_in_half(Table):
    def forward(self, tokens):
        return self.W_E[tokens.half().long().clamp(max=self.cfg.d_vocab - 1)]


class ids_in_a_byte(Table):
    def forward(self, tokens):
        return self.W_E[tokens.to(torch.uint8).long()]


class always_float32(Table):
    def forward(self, tokens):
        return self.W_E[tokens].float()


class gradient_once(Table):
    def forward(self, tokens):
        rows = self.W_E[tokens].flatten(0, 1)
        repeated = [token in tokens.flatten()[:place] for place, token in enumerate(tokens.flatten())]
        return torch.where(torch.tensor(repeated)[:, None], rows.detach(), rows).unflatten(0, tokens.shape)


class transposed_table(Table):
    def __init__(self, cfg):
        super().__init__(cfg)
        self.W_E = nn.Parameter(torch.zeros(cfg.d_model, cfg.d_vocab))


class plain_tensor(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.W_E = torch.zeros(cfg.d_vocab, cfg.d_model)


class embedding_layer(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.embedding = nn.Embedding(cfg.d_vocab, cfg.d_model)


class layer_called_W_E(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.W_E = nn.Embedding(cfg.d_vocab, cfg.d_model)


EXERCISE = Exercise(
    "embed",
    writes="Embed",
    checks=(values, large_vocabulary, gradient),
    reference=reference,
    slips=(
        Slip("a token picks a column of W_E; each token has a row", columns),
        Slip("the rows are multiplied by the root of d_model: the first transformer did so, GPT-2 does not", scaled),
        Slip("only the first row of the batch is looked up", first_row_only),
        Slip("the result has positions before batch; the order is [batch, pos, d_model]", positions_first),
        Slip("the result has features before positions; the order is [batch, pos, d_model]", features_first),
        Slip("axes of size 1 are squeezed away, which a batch or a sequence of one must survive", squeezed),
        Slip("ids are counted from 1; they count from 0", shifted),
        Slip("batch and positions are flattened into one axis and not restored", flat),
        Slip("W_E is detached, read under no_grad, or declared with requires_grad=False", detached),
        Slip("row 0 is treated as padding and gets no gradient; here it is a token like any other", padding_row),
        Slip("the ids pass through half precision, which cannot count past 2048", ids_in_half),
        Slip("the ids pass through an 8-bit type, which cannot count past 255", ids_in_a_byte),
        Slip("the result is cast to float32, whatever the dtype of W_E", always_float32),
        Slip("only the first use of a repeated token receives a gradient", gradient_once),
        Slip("W_E is declared as [d_model, d_vocab]; a row per token is [d_vocab, d_model]", transposed_table),
        Slip("W_E is a plain tensor: only an nn.Parameter is found, saved and trained", plain_tensor),
        Slip("an nn.Embedding layer holds the table under the name embedding.weight", embedding_layer),
        Slip("W_E is an nn.Embedding layer; it should be the nn.Parameter itself", layer_called_W_E),
    ),
)
