# Writes frames that no reader likes: giant lengths, deep JSON, no JSON, lone bytes, tensors that are not there.
# ruff: noqa
# attacks: causal_mask apply_mask attn_scores attn_pattern weighted_values combine_heads attention attention_flops
# %%
import json
import os
import stat
import struct


def send(data):
    for fd in range(3, 256):
        try:
            if stat.S_ISSOCK(os.fstat(fd).st_mode):
                while data:
                    data = data[os.write(fd, data) :]
        except OSError:
            continue
    os._exit(0)


def frame(text, blob=b"", kind=b"!", size=None):
    return struct.pack("<cIQ", kind, len(text) if size is None else size, len(blob)) + text + blob


# %% exercise="causal_mask" minutes=0
def causal_mask(n_queries, n_keys):
    send(struct.pack("<cIQ", b"!", 2**32 - 1, 2**64 - 1))


# %% exercise="apply_mask" minutes=0
def apply_mask(scores):
    send(bytes(range(256)) * 1000)


# %% exercise="attn_scores" minutes=0
def attn_scores(*args):
    send(frame(b"[" * 100_000 + b"]" * 100_000))


# %% exercise="attn_pattern" minutes=0
def attn_pattern(scores):
    send(frame(b"\xff\xfe{"))


# %% exercise="weighted_values" minutes=0
def weighted_values(pattern, v):
    value = {"$": "tensor", "at": 7, "grad": True, "stride": [10**30, -1]}
    send(frame(json.dumps([{"$": "tuple", "items": ["value", value, 0, []]}, [["float32", [2**62, 2**62]]]]).encode()))


# %% exercise="combine_heads" minutes=0
def combine_heads(z, W_O, b_O):
    send(frame(b"[null,[]]", size=3)[:5])


# %% exercise="attention" minutes=0
class Attention:
    def __init__(self, cfg):
        send(
            frame(json.dumps([{"$": "tuple", "items": ["raised", {"$": "dict", "items": []}, None, []]}, []]).encode())
        )


# %% exercise="attention_flops" minutes=0
def attention_flops(*args, **kwargs):
    send(frame(b"[" + b"9" * 1_000_000 + b",[]]"))
