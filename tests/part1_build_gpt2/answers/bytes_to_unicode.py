# %% right="GPT-2's own lines"
def bytes_to_unicode():
    bs = list(range(ord("!"), ord("~") + 1)) + list(range(ord("¡"), ord("¬") + 1)) + list(range(ord("®"), ord("ÿ") + 1))
    cs = bs[:]
    n = 0
    for b in range(2**8):
        if b not in bs:
            bs.append(b)
            cs.append(2**8 + n)
            n += 1
    cs = [chr(n) for n in cs]
    return dict(zip(bs, cs))


# %% right="a counter that never ends"
import itertools


def bytes_to_unicode():
    free = itertools.count(256)
    hidden = {*range(33), *range(127, 161), 173}
    return {byte: chr(next(free) if byte in hidden else byte) for byte in range(256)}


# %% right="asks Python what can be printed"
def bytes_to_unicode():
    seen = [b for b in range(256) if chr(b).isprintable() and not chr(b).isspace()]
    rest = sorted(set(range(256)) - set(seen))
    return {**{b: chr(b) for b in seen}, **{b: chr(256 + i) for i, b in enumerate(rest)}}


# %% right="closed form, cached"
import functools


@functools.cache
def bytes_to_unicode():
    def shift(byte):
        return 256 if byte <= 32 else 162 if 127 <= byte <= 160 else 150 if byte == 173 else 0

    return {byte: chr(byte + shift(byte)) for byte in range(256)}


# %% wrong="decodes each byte as Latin-1"
def bytes_to_unicode():
    return {b: bytes([b]).decode("latin-1") for b in range(256)}


# %% wrong="decodes each byte as cp1252 and gives the rest new characters"
def bytes_to_unicode():
    table, n = {}, 256
    for b in range(256):
        char = bytes([b]).decode("cp1252", errors="ignore")
        if char and char.isprintable() and not char.isspace():
            table[b] = char
        else:
            table[b] = chr(n)
            n += 1
    return table


# %% wrong="hidden bytes start at U+2581"
def bytes_to_unicode():
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [b for b in range(256) if b not in visible]
    return {b: chr(b) for b in visible} | {b: chr(0x2581 + i) for i, b in enumerate(hidden)}


# %% wrong="counts from the byte's place in the whole"
def bytes_to_unicode():
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table = {}
    n = 0
    for b in range(256):
        table[b] = chr(b) if b in visible else chr(256 + n)
        n += 1
    return table


# %% wrong="one group of two characters"
def bytes_to_unicode():
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    return {b: chr(b) if b in visible else f"\\{b:02x}" for b in range(256)}


# %% wrong="a list of pairs"
def bytes_to_unicode():
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [b for b in range(256) if b not in visible]
    return [(b, chr(b)) for b in visible] + [(b, chr(256 + i)) for i, b in enumerate(hidden)]


# %% wrong="a counter that lives on between calls"
_next = [256]


def bytes_to_unicode():
    visible = {*range(33, 127), *range(161, 173), *range(174, 256)}
    table = {}
    for b in range(256):
        if b in visible:
            table[b] = chr(b)
        else:
            table[b] = chr(_next[0])
            _next[0] += 1
    return table
