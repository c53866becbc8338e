"""Slips of `generate_cached`: a right implementation in steps, each of which a slip replaces."""

from types import SimpleNamespace

import torch

from hookpoint.model.cache import KVCache, attn_with_cache
from hookpoint.model.sampling import greedy, sample, top_k_filter, top_p_filter

BESIDE = {"KVCache": KVCache}


def context(ids, cache, cfg):
    """The text that counts, and the cache to go on with: an empty one where all positions have moved."""
    return ids[:, -cfg.n_ctx :], KVCache(cfg) if ids.shape[1] > cfg.n_ctx else cache


def unread(window, cache, step):
    return window[:, cache.length :]


def following(cache, new):
    return torch.arange(cache.length, cache.length + new.shape[1])


def last(logits):
    return logits[:, -1]


def choose(logits, how):
    if how.temperature == 0:
        return greedy(logits)
    logits = logits / how.temperature
    if how.top_k is not None:
        logits = top_k_filter(logits, how.top_k)
    if how.top_p is not None:
        logits = top_p_filter(logits, how.top_p)
    return sample(logits, how.generator)


def fill(chosen, done, stop):
    """The tokens to add, and which rows have ended."""
    chosen = torch.where(done, stop, chosen)
    return chosen, done | (chosen == stop)


def whole(ids, prompt):
    return ids


def run(model, ids, n, how, context=context, unread=unread, following=following, last=last, choose=choose, fill=fill,
        give=whole, restore=True, steps=lambda n: n):  # fmt: skip
    prompt, cache, done = ids, KVCache(model.cfg), torch.zeros(len(ids), dtype=torch.bool)
    was = model.training
    model.eval()
    for step in range(steps(n)):
        window, cache = context(ids, cache, model.cfg)
        new = unread(window, cache, step)
        resid = model.embed(new) + model.pos_embed.W_pos[following(cache, new)]
        for layer, block in enumerate(model.blocks):
            resid = resid + attn_with_cache(block.attn, block.ln1(resid), cache, layer)
            resid = resid + block.mlp(block.ln2(resid))
        chosen = choose(last(model.unembed(model.ln_final(resid))), how)
        if how.stop is not None:
            chosen, done = fill(chosen, done, how.stop)
            if chosen is None:
                break
        ids = torch.cat([ids, chosen[:, None]], dim=1)
    if restore:
        model.train(was)
    return give(ids, prompt)


def slip(name, says, **changes):
    """A sentence, and the function that it names."""

    @torch.no_grad()
    def wrong(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
        how = SimpleNamespace(temperature=temperature, top_k=top_k, top_p=top_p, stop=stop, generator=generator)
        return run(model, ids, n, how, **changes)

    wrong.__name__ = name
    return says, wrong


def stale(ids, cache, cfg):
    """The cache goes on beyond n_ctx: its newest n_ctx - 1 positions stay, computed for where they stood before."""
    if ids.shape[1] <= cfg.n_ctx:
        return ids, cache
    if cache.length >= cfg.n_ctx:
        cropped = KVCache(cfg)
        cropped.layers = [tuple(part[:, 1 - cfg.n_ctx :] for part in held) for held in cache.layers]
        cache = cropped
    return ids[:, -cfg.n_ctx :], cache


def first_tokens(ids, cache, cfg):
    """The first n_ctx tokens are kept instead of the last."""
    return ids[:, : cfg.n_ctx], KVCache(cfg) if ids.shape[1] > cfg.n_ctx else cache


def half_context(ids, cache, cfg):
    """Beyond n_ctx, half of the context is thrown away at once, so that the next steps are cheap again."""
    if ids.shape[1] <= cfg.n_ctx:
        return ids, cache
    return ids[:, -(cfg.n_ctx // 2) :], KVCache(cfg)


def one_too_few(ids, cache, cfg):
    return (ids, cache) if ids.shape[1] < cfg.n_ctx else (ids[:, 1 - cfg.n_ctx :], KVCache(cfg))


def no_cache(ids, cache, cfg):
    return ids[:, -cfg.n_ctx :], KVCache(cfg)


def unbounded(ids, cache, cfg):
    return ids, cache


def all_again(window, cache, step):
    """The whole text goes into a cache that holds most of it already."""
    return window


def capped(cache, new):
    """No position beyond the last one."""
    return following(cache, new).clamp(max=cache.cfg.n_ctx - 1)


def filters_first(logits, how):
    if how.temperature == 0:
        return greedy(logits)
    if how.top_k is not None:
        logits = top_k_filter(logits, how.top_k)
    if how.top_p is not None:
        logits = top_p_filter(logits, how.top_p)
    return sample(logits / how.temperature, how.generator)


def nucleus_first(logits, how):
    if how.temperature == 0:
        return greedy(logits)
    logits = logits / how.temperature
    if how.top_p is not None:
        logits = top_p_filter(logits, how.top_p)
    if how.top_k is not None:
        logits = top_k_filter(logits, how.top_k)
    return sample(logits, how.generator)


def but(**changes):
    """The choice with other settings."""
    return lambda logits, how: choose(logits, SimpleNamespace(**{**vars(how), **changes}))


def multiplied(logits, how):
    return choose(logits, SimpleNamespace(**{**vars(how), "temperature": 1 / (how.temperature or 1e-9)}))


def first_row(logits, how):
    return choose(logits[:1], how).expand(len(logits))


def fresh_seed(logits, how):
    return choose(logits, SimpleNamespace(**{**vars(how), "generator": torch.Generator().manual_seed(0)}))


def ignored(chosen, done, stop):
    return chosen, done


def zero_after(chosen, done, stop):
    return torch.where(done, 0, chosen), done | (chosen == stop)


def first_to_end(chosen, done, stop):
    """One row that ends ends them all."""
    done = (done | (chosen == stop)).any().expand(len(done))
    return torch.where(done, stop, chosen), done


def cut_short(chosen, done, stop):
    """No more tokens are added once every row has ended."""
    return fill(chosen, done, stop) if not done.all() else (None, done)


def from_zero(cache, new):
    return torch.arange(new.shape[1])


def end_of_prompt(window, cache, step):
    return unread(window, cache, step) if step == 0 else window[:, -step - 1 : window.shape[1] - step]


def last_two(window, cache, step):
    return unread(window, cache, step) if step == 0 else window[:, -2:]


SLIPS = (
    slip("uncached", "every step feeds the whole text again, as if there were no cache", context=no_cache),
    slip(
        "all_again",
        "every step feeds the whole text into a cache that holds most of it already",
        unread=all_again,
        following=from_zero,
    ),
    slip("positions_from_zero", "the new token stands at position 0", following=from_zero),
    slip(
        "one_late",
        "a new token stands one position too far",
        following=lambda cache, new: following(cache, new) + bool(cache.length),
        context=lambda ids, cache, cfg: (ids[:, -cfg.n_ctx :], KVCache(cfg) if ids.shape[1] >= cfg.n_ctx else cache),
    ),
    slip(
        "one_early",
        "a new token stands one position too early",
        following=lambda cache, new: following(cache, new) - bool(cache.length),
    ),
    slip(
        "first_position",
        "the next token is chosen by the logits of the first position fed",
        last=lambda logits: logits[:, 0],
    ),
    slip(
        "prompt_end_again",
        "the last token of the prompt is fed again and again, instead of the newest one",
        unread=end_of_prompt,
    ),
    slip(
        "two_at_a_time",
        "the last two tokens are fed at each step, so each is cached twice",
        unread=last_two,
        following=capped,
    ),
    slip(
        "new_alone",
        "only the new tokens come back, without the prompt",
        give=lambda ids, prompt: ids[:, prompt.shape[1] :],
    ),
    slip("one_more", "there is one new token too many", steps=lambda n: n + 1),
    slip("one_less", "there is one new token too few", steps=lambda n: max(n - 1, 0)),
    slip(
        "stale",
        "beyond n_ctx the cache is cropped and used on, although its keys were made for other positions",
        context=stale,
    ),
    slip("first_tokens", "beyond n_ctx the first n_ctx tokens are fed instead of the last", context=first_tokens),
    slip("half_context", "beyond n_ctx only half of the context is kept", context=half_context),
    slip("one_too_few", "the text is cut to n_ctx - 1 tokens instead of n_ctx", context=one_too_few),
    slip("unbounded", "nothing is cut at n_ctx, beyond which there are no positions", context=unbounded),
    slip(
        "last_position_repeated",
        "beyond n_ctx every token stands at the last position",
        context=unbounded,
        following=capped,
    ),
    slip("stop_ignored", "stop is ignored", fill=ignored),
    slip("zero_after", "a row that has ended is filled with token 0 instead of stop", fill=zero_after),
    slip("first_to_end", "the first row that ends ends all of them", fill=first_to_end),
    slip("cut_short", "no token is added once all rows have ended, so fewer than n come back", fill=cut_short),
    slip("always_greedy", "the likeliest token is taken at any temperature", choose=but(temperature=0)),
    slip(
        "temperature_ignored",
        "the temperature is ignored, except where it is 0",
        choose=lambda logits, how: (but(temperature=1) if how.temperature else choose)(logits, how),
    ),
    slip("multiplied", "the logits are multiplied by the temperature instead of divided by it", choose=multiplied),
    slip("top_k_ignored", "top_k is ignored", choose=but(top_k=None)),
    slip("top_p_ignored", "top_p is ignored", choose=but(top_p=None)),
    slip("filters_first", "the filters come before the temperature", choose=filters_first),
    slip("nucleus_first", "top-p comes before top-k", choose=nucleus_first),
    slip("first_row", "the first row's token is given to all rows", choose=first_row),
    slip("global_dice", "the generator is ignored", choose=but(generator=None)),
    slip("fresh_seed", "a generator with a seed of its own is made at every step", choose=fresh_seed),
    slip("mode_lost", "the model is left in evaluation mode", restore=False),
)
