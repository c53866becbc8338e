"""Wrong ways to generate, each a right one that differs in one place."""

import torch

from hookpoint.checks.author import Slip
from hookpoint.model.sampling import apply_temperature, greedy, sample, top_k_filter, top_p_filter


def reference(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    """The right one. It is no oracle: the checks compare with known probabilities."""
    with evaluating(model), torch.no_grad():
        return generated(model, ids, n, temperature, top_k, top_p, stop, generator)


def last_tokens(ids, n_ctx, prompt):
    return ids[:, -n_ctx:]


def at_the_end(logits):
    return logits[:, -1]


def chosen(logits, temperature, top_k, top_p, generator):
    if temperature == 0:
        return greedy(logits)
    logits = apply_temperature(logits, temperature)
    logits = logits if top_k is None else top_k_filter(logits, top_k)
    logits = logits if top_p is None else top_p_filter(logits, top_p)
    return sample(logits, generator)


def filled(token, done, stop):
    token = torch.where(done, stop, token)
    done |= token == stop
    return token


def generated(
    model, ids, n, temperature, top_k, top_p, stop, generator,
    read=last_tokens, look=at_the_end, choose=chosen, end=filled,
):  # fmt: skip
    """`reference` without its modes, and with a joint at each place where it can go wrong."""
    grown, done = ids, torch.zeros(len(ids), dtype=torch.bool)
    for _ in range(n):
        logits = look(model(read(grown, model.cfg.n_ctx, ids)))
        token = choose(logits, temperature, top_k, top_p, generator)
        grown = torch.cat([grown, (token if stop is None else end(token, done, stop))[:, None]], 1)
    return grown


class evaluating:
    """Puts the model into evaluation mode for a while."""

    def __init__(self, model):
        self.model, self.was = model, model.training

    def __enter__(self):
        self.model.eval()

    def __exit__(self, *error):
        self.model.train(self.was)


def slip(says, name, **joints):
    """A slip that differs in its joints alone."""

    def wrong(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
        with evaluating(model), torch.no_grad():
            return generated(model, ids, n, temperature, top_k, top_p, stop, generator, **joints)

    wrong.__name__ = name
    return Slip(says, wrong)


def choosing(says, change):
    """A slip that chooses otherwise, unless the temperature is 0."""

    def choose(logits, temperature, top_k, top_p, generator):
        return greedy(logits) if temperature == 0 else change(logits, temperature, top_k, top_p, generator)

    return slip(says, change.__name__, choose=choose)


def first_row_for_all(logits, temperature, top_k, top_p, generator):
    return chosen(logits, temperature, top_k, top_p, generator)[:1].expand(len(logits))


def zero_divides(logits, temperature, top_k, top_p, generator):
    logits = logits / temperature
    logits = logits if top_k is None else top_k_filter(logits, top_k)
    logits = logits if top_p is None else top_p_filter(logits, top_p)
    return sample(logits, generator)


def zero_is_one(logits, temperature, top_k, top_p, generator):
    return chosen(logits, temperature or 1.0, top_k, top_p, generator)


def temperature_ignored(logits, temperature, top_k, top_p, generator):
    return chosen(logits, 1.0, top_k, top_p, generator)


def top_k_ignored(logits, temperature, top_k, top_p, generator):
    return chosen(logits, temperature, None, top_p, generator)


def top_p_ignored(logits, temperature, top_k, top_p, generator):
    return chosen(logits, temperature, top_k, None, generator)


def one_filter_at_most(logits, temperature, top_k, top_p, generator):
    return chosen(logits, temperature, top_k, None if top_k is not None else top_p, generator)


def temperature_last(logits, temperature, top_k, top_p, generator):
    logits = logits if top_k is None else top_k_filter(logits, top_k)
    logits = logits if top_p is None else top_p_filter(logits, top_p)
    return sample(apply_temperature(logits, temperature), generator)


def top_p_before_top_k(logits, temperature, top_k, top_p, generator):
    logits = apply_temperature(logits, temperature)
    logits = logits if top_p is None else top_p_filter(logits, top_p)
    logits = logits if top_k is None else top_k_filter(logits, top_k)
    return sample(logits, generator)


def generator_ignored(logits, temperature, top_k, top_p, generator):
    return chosen(logits, temperature, top_k, top_p, None)


def always_greedy(logits, temperature, top_k, top_p, generator):
    return greedy(logits)


def generator_made_anew(logits, temperature, top_k, top_p, generator):
    return chosen(logits, temperature, top_k, top_p, torch.Generator().manual_seed(generator.initial_seed()))


def all_together(token, done, stop):
    token = torch.where(done, stop, token)
    done |= (token == stop).any()
    return token


def late(token, done, stop):
    ended = torch.full_like(token, stop) if done.all() else token
    done |= token == stop
    return ended


def with_zero(token, done, stop):
    token = torch.where(done, 0, token)
    done |= token == stop
    return token


def with_itself_gone(token, done, stop):
    done |= token == stop
    return torch.where(done, 0, token)


def only_the_new(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    return reference(model, ids, n, temperature, top_k, top_p, stop, generator)[:, ids.shape[1] :]


def cut_to_context(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    return reference(model, ids, n, temperature, top_k, top_p, stop, generator)[:, -model.cfg.n_ctx :]


def one_token_too_many(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    return reference(model, ids, n + 1, temperature, top_k, top_p, stop, generator)


def stop_ignored(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    return reference(model, ids, n, temperature, top_k, top_p, None, generator)


def token_zero_is_no_stop(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    return reference(model, ids, n, temperature, top_k, top_p, stop or None, generator)


def shorter_when_all_stopped(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    grown = reference(model, ids, n, temperature, top_k, top_p, stop, generator)
    running = n if stop is None else int((grown[:, ids.shape[1] :] != stop).any(0).sum())
    return grown[:, : ids.shape[1] + running + 1]


def left_in_evaluation(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    grown = reference(model, ids, n, temperature, top_k, top_p, stop, generator)
    model.eval()
    return grown


def left_in_training(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    grown = reference(model, ids, n, temperature, top_k, top_p, stop, generator)
    model.train()
    return grown


@torch.no_grad()
def never_in_evaluation(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    return generated(model, ids, n, temperature, top_k, top_p, stop, generator)


def with_gradients(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    with evaluating(model):
        return generated(model, ids, n, temperature, top_k, top_p, stop, generator)


SLIPS = (
    slip(
        "the first n_ctx tokens are read, not the last",
        "reads_the_start",
        read=lambda ids, n_ctx, prompt: ids[:, :n_ctx],
    ),
    slip(
        "the text is not cropped to n_ctx tokens before the model reads it",
        "never_cropped",
        read=lambda ids, n_ctx, prompt: ids,
    ),
    slip(
        "the last n_ctx - 1 tokens are read", "cropped_too_much", read=lambda ids, n_ctx, prompt: ids[:, -(n_ctx - 1) :]
    ),
    slip(
        "the prompt is cropped once, and then the text grows beyond n_ctx again",
        "cropped_once",
        read=lambda ids, n_ctx, prompt: ids[:, max(0, prompt.shape[1] - n_ctx) :],
    ),
    slip(
        "the model reads only the last token at each step",
        "reads_one_token",
        read=lambda ids, n_ctx, prompt: ids[:, -1:],
    ),
    slip(
        "the model reads the prompt again at each step, without the new tokens",
        "reads_the_prompt",
        read=lambda ids, n_ctx, prompt: prompt[:, -n_ctx:],
    ),
    slip(
        "the prediction is read at the first position, not at the last",
        "first_position",
        look=lambda logits: logits[:, 0],
    ),
    slip("the first row's token is appended to all rows", "first_row_for_all", choose=first_row_for_all),
    slip("the logits are divided by a temperature of 0", "zero_divides", choose=zero_divides),
    slip("a temperature of 0 counts as 1", "zero_is_one", choose=zero_is_one),
    slip("all rows stop when one of them does", "all_together", end=all_together),
    slip("a row that has stopped goes on until all rows have stopped", "late", end=late),
    slip("a row that has stopped is filled with 0, not with stop", "with_zero", end=with_zero),
    slip("the stop token itself is replaced as well", "with_itself_gone", end=with_itself_gone),
    Slip("only the new tokens are returned, without the prompts", only_the_new),
    Slip("only the last n_ctx tokens are returned", cut_to_context),
    Slip("one token too many is generated", one_token_too_many),
    Slip("stop is ignored", stop_ignored),
    Slip("stop = 0 is taken for no stop at all", token_zero_is_no_stop),
    Slip("the result is shorter than asked when all rows have stopped", shorter_when_all_stopped),
    choosing("the temperature is ignored unless it is 0", temperature_ignored),
    choosing("top_k is ignored", top_k_ignored),
    choosing("top_p is ignored", top_p_ignored),
    choosing("top_p is ignored when top_k is given", one_filter_at_most),
    choosing("the temperature is applied after the filters", temperature_last),
    choosing("top_p is applied before top_k", top_p_before_top_k),
    choosing("the generator is not handed on, so torch's global one is used", generator_ignored),
    choosing("the likeliest token is taken at every temperature", always_greedy),
    choosing("a new generator is seeded at every step", generator_made_anew),
    Slip("the model is left in evaluation mode", left_in_evaluation),
    Slip("the model is switched to training mode at the end, whatever it was in before", left_in_training),
    Slip("the model is never switched to evaluation mode", never_in_evaluation),
    Slip("gradients are not switched off", with_gradients),
)
