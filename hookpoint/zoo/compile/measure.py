"""What ablating a node and patching an edge do to a model without LayerNorm: the proof of an answer key.

Ablated parts write what they write on a donor prompt, another input of the same kind ("resample ablation"). A drop is
lost accuracy: a share of the right answers.
"""

from collections.abc import Collection, Iterator

import torch
from jaxtyping import Float, Int
from torch import Tensor

from hookpoint.model import GPT2
from hookpoint.model.hooks import Hook

from .program import Node, Task

Tokens = Int[Tensor, "n pos"]
Outputs = dict[Node, Float[Tensor, "n pos d_model"]]
Edge = tuple[Node, Node, str]


def accuracy(logits: Float[Tensor, "n pos d_vocab"], answers: Tokens) -> float:
    """The share of right answers among the positions where one is asked (where `answers` is not -1)."""
    asked = answers >= 0
    return (logits.argmax(-1) == answers)[asked].float().mean().item()


def nodes(model: GPT2) -> list[Node]:
    """Every head and MLP, in the order of the computation."""
    found: list[Node] = []
    for layer in range(model.cfg.n_layers):
        found += [(layer, head) for head in range(model.cfg.n_heads)]
        found += [] if model.cfg.attn_only else [("mlp", layer)]
    return found


def edges(model: GPT2) -> Iterator[Edge]:
    """Every edge there could be: a sender, a later receiver, and the receiver's input."""
    earlier: list[Node] = ["embed"]
    for layer in range(model.cfg.n_layers):
        heads = [(layer, head) for head in range(model.cfg.n_heads)]
        yield from ((sender, head, at) for head in heads for sender in earlier for at in "qkv")
        earlier += heads
        if not model.cfg.attn_only:
            yield from ((sender, ("mlp", layer), "mlp") for sender in earlier)
            earlier.append(("mlp", layer))
    yield from ((sender, "logits", "logits") for sender in earlier)


@torch.no_grad()
def outputs(model: GPT2, tokens: Tokens, ablate: Collection[Node] = (), donor: Outputs | None = None) -> Outputs:
    """What each node writes into the residual stream, "embed" for token and position together, and "logits".

    Args:
        ablate: Nodes that write what `donor` holds for them instead; what follows them is computed from that.
    """
    with model.hooked(_replacements(model, ablate, donor)):
        logits, cache = model.run_with_cache(tokens, lambda name: name.endswith(("embed", "hook_z", "hook_mlp_out")))
    found: Outputs = {"embed": cache["hook_embed"] + cache["hook_pos_embed"], "logits": logits}
    for layer, block in enumerate(model.blocks):
        results = block.attn.head_results(cache[f"blocks.{layer}.attn.hook_z"])
        found |= {(layer, head): results[:, :, head] for head in range(model.cfg.n_heads)}
        if not model.cfg.attn_only:
            found["mlp", layer] = cache[f"blocks.{layer}.hook_mlp_out"]
    return found | {node: donor[node] for node in ablate}


@torch.no_grad()
def ablated(model: GPT2, tokens: Tokens, ablate: Collection[Node], donor: Outputs) -> Float[Tensor, "n pos d_vocab"]:
    """The logits of a run in which the nodes write what they write in `donor`."""
    return model.run_with_hooks(tokens, _replacements(model, ablate, donor))


@torch.no_grad()
def edge_patched(
    model: GPT2, tokens: Tokens, edge: Edge, own: Outputs, donor: Outputs
) -> Float[Tensor, "n pos d_vocab"]:
    """The logits of a run in which one input of one receiver gets the sender's output from `donor`.

    All that the receiver changes flows on; the sender's other readers get what they always get. It is exact because
    nothing is normalised between sender and receiver: the input moves by the difference times the reading matrix.
    """
    sender, receiver, at = edge
    difference = donor[sender] - own[sender]
    if receiver == "logits":
        return own["logits"] + difference @ model.unembed.W_U
    if receiver[0] == "mlp":
        block = model.blocks[receiver[1]]
        name, moved = f"blocks.{receiver[1]}.mlp.hook_pre", difference @ block.mlp.W_in
        return model.run_with_hooks(tokens, [(name, lambda pre, point: pre + moved)])
    layer, head = receiver
    moved = difference @ getattr(model.blocks[layer].attn, f"W_{at.upper()}")[head]
    return model.run_with_hooks(tokens, [(f"blocks.{layer}.attn.hook_{at}", _added(head, moved))])


class Bench:
    """A model on fresh inputs beside a donor run, and what is lost when parts of it are taken from the donor.

    Args:
        model: A compiled model.
        task: What it computes.
        n: How many inputs; the donors are as many others.
        seed: Of inputs and donors.
    """

    def __init__(self, model: GPT2, task: Task, n: int = 500, seed: int = 0) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.model, self.tokens = model, task.sequences(n, generator)
        self.answers = task.answers(self.tokens)
        self.own, self.donor = outputs(model, self.tokens), outputs(model, task.sequences(n, generator))
        # Positions are the same in every prompt: only moved ones show what an edge that carries them is good for.
        half = self.tokens.shape[1] // 2
        self._moved_donor = {node: value.roll(half, dims=1) for node, value in self.donor.items()}

    @property
    def nodes(self) -> list[Node]:
        return nodes(self.model)

    @property
    def edges(self) -> list[Edge]:
        return list(edges(self.model))

    @property
    def accuracy(self) -> float:
        """The intact model's share of right answers."""
        return accuracy(self.own["logits"], self.answers)

    @property
    def constant_accuracy(self) -> float:
        """The share of right answers of a model that always gives the most frequent one."""
        asked = self.answers[self.answers >= 0]
        return asked.bincount().max().item() / len(asked)

    def accuracy_without(self, *ablate: Node) -> float:
        """The share of right answers when all of these nodes are resampled at once."""
        return accuracy(ablated(self.model, self.tokens, ablate, self.donor), self.answers)

    def node_drops(self) -> dict[Node, float]:
        """How much accuracy is lost by resampling each node alone."""
        return {node: self.accuracy - self.accuracy_without(node) for node in self.nodes}

    def edge_drop(self, edge: Edge) -> float:
        """How much accuracy is lost when one edge alone carries what it carries on the donor, half a prompt away."""
        logits = edge_patched(self.model, self.tokens, edge, self.own, self._moved_donor)
        return self.accuracy - accuracy(logits, self.answers)

    def answer_logit(self, *ablate: Node) -> float:
        """The mean logit of the right answers when these nodes are resampled."""
        return self._mean_of_answers(ablated(self.model, self.tokens, ablate, self.donor))

    def direct_effect(self, node: Node) -> float:
        """What the node itself writes into the logits of the right answers, on average."""
        return self._mean_of_answers(self.own[node] @ self.model.unembed.W_U)

    def loudness(self, node: Node, *ablate: Node) -> float:
        """The mean norm of what the node writes where an answer is asked, when the others are resampled."""
        written = outputs(self.model, self.tokens, ablate, self.donor)[node]
        return written[self.answers >= 0].norm(dim=-1).mean().item()

    def _mean_of_answers(self, logits: Float[Tensor, "n pos d_vocab"]) -> float:
        asked = self.answers >= 0
        return logits[asked].gather(1, self.answers[asked][:, None]).mean().item()


def _replacements(model: GPT2, ablate: Collection[Node], donor: Outputs) -> list[tuple[str, Hook]]:
    """Hooks that put what the donor's nodes wrote in the place of what these write."""
    hooks: list[tuple[str, Hook]] = []
    for layer in range(model.cfg.n_layers):
        heads = [node[1] for node in ablate if node[0] == layer]
        if heads:
            hooks.append((f"blocks.{layer}.attn.hook_z", _silent(heads)))
            hooks.append((f"blocks.{layer}.hook_attn_out", _plus(sum(donor[layer, head] for head in heads))))
        if ("mlp", layer) in ablate:
            hooks.append((f"blocks.{layer}.hook_mlp_out", _given(donor["mlp", layer])))
    return hooks


def _silent(heads: list[int]) -> Hook:
    def hook(z, point):
        z[:, :, heads] = 0

    return hook


def _plus(value: Tensor) -> Hook:
    return lambda act, point: act + value


def _given(value: Tensor) -> Hook:
    return lambda act, point: value


def _added(head: int, value: Tensor) -> Hook:
    def hook(act, point):
        act[:, :, head] += value

    return hook
