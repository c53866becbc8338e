"""Wrong ways to encode a stream."""

from . import _oracle as oracle
from ._class import slip

__all__ = ["SLIPS"]


def sure_length(held, allowed, keep=2, special=True, white=True):
    """How much of the text at its start has its ids whatever follows; the options leave out one caution each."""
    longest = max(map(len, allowed), default=1) if special else 1
    sure, at, start = max(len(held) - longest + 1, 0), 0, 0
    for piece, is_special in oracle.pieces(held, allowed):
        if is_special and at < sure:
            start = at + len(piece)
        at += len(piece)
    found = oracle.words(held[start:sure])
    found = found[: len(found) - keep]
    while white and found and found[-1].isspace():
        found.pop()
    return start + sum(map(len, found))


def streamed(self, chunks, allowed, cut):
    held = ""
    for chunk in chunks:
        held += chunk
        length = cut(held)
        yield from self.encode(held[:length], allowed)
        held = held[length:]
    yield from self.encode(held, allowed)


def all_at_once(self, iterable, allowed_special=()):
    yield from self.encode("".join(iterable), allowed_special)


def list_at_once(self, iterable, allowed_special=()):
    return self.encode("".join(iterable), allowed_special)


def chunk_by_chunk(self, iterable, allowed_special=()):
    for chunk in iterable:
        yield from self.encode(chunk, allowed_special)


def list_per_chunk(self, iterable, allowed_special=()):
    for chunk in iterable:
        yield self.encode(chunk, allowed_special)


def joined_by_spaces(self, iterable, allowed_special=()):
    chunks = (("" if at == 0 else " ") + chunk for at, chunk in enumerate(iterable))
    yield from streamed(self, chunks, allowed_special, lambda held: sure_length(held, allowed_special))


def chunks_stripped(self, iterable, allowed_special=()):
    chunks = (chunk.strip() for chunk in iterable)
    yield from streamed(self, chunks, allowed_special, lambda held: sure_length(held, allowed_special))


def rest_lost(self, iterable, allowed_special=()):
    held = ""
    for chunk in iterable:
        held += chunk
        length = sure_length(held, allowed_special)
        yield from self.encode(held[:length], allowed_special)
        held = held[length:]


def one_word_held(self, iterable, allowed_special=()):
    yield from streamed(self, iterable, allowed_special, lambda held: sure_length(held, allowed_special, keep=1))


def white_not_held(self, iterable, allowed_special=()):
    def cut(held):
        found = oracle.words(held)
        return sum(map(len, found[:-1])) if not found or not found[-1].isspace() else len(held)

    yield from streamed(self, iterable, allowed_special, cut)


def cut_at_space(self, iterable, allowed_special=()):
    yield from streamed(self, iterable, allowed_special, lambda held: max(held.rfind(" "), 0))


def cut_after_space(self, iterable, allowed_special=()):
    yield from streamed(self, iterable, allowed_special, lambda held: held.rfind(" ") + 1)


def special_not_held(self, iterable, allowed_special=()):
    def cut(held):
        return sure_length(held, allowed_special, special=False)

    yield from streamed(self, iterable, allowed_special, cut)


def longer_not_awaited(self, iterable, allowed_special=()):
    """Special strings are waited for, but one that is complete is taken at once."""

    def cut(held):
        ends = [held.rfind(each) + len(each) for each in allowed_special if each in held]
        return max([sure_length(held, allowed_special), *ends])

    yield from streamed(self, iterable, allowed_special, cut)


def special_unasked(self, iterable, allowed_special=()):
    cut = sure_length
    yield from streamed(self, iterable, self.special, lambda held: cut(held, self.special))


def special_forgotten(self, iterable, allowed_special=()):
    yield from streamed(self, iterable, (), lambda held: sure_length(held, ()))


def stops_at_empty(self, iterable, allowed_special=()):
    def until_empty():
        for chunk in iterable:
            if not chunk:
                return
            yield chunk

    yield from streamed(self, until_empty(), allowed_special, lambda held: sure_length(held, allowed_special))


def needs_a_list(self, iterable, allowed_special=()):
    chunks = [iterable[at] for at in range(len(iterable))]
    yield from streamed(self, chunks, allowed_special, lambda held: sure_length(held, allowed_special))


def rest_on_self(self, iterable, allowed_special=()):
    self.rest = getattr(self, "rest", "")
    for chunk in iterable:
        self.rest += chunk
        length = sure_length(self.rest, allowed_special)
        ready, self.rest = self.rest[:length], self.rest[length:]
        yield from self.encode(ready, allowed_special)
    ready, self.rest = self.rest, ""
    yield from self.encode(ready, allowed_special)


def from_the_start(self, iterable, allowed_special=()):
    text, given = "", 0
    for chunk in iterable:
        text += chunk
        ids = self.encode(text[: sure_length(text, allowed_special)], allowed_special)
        yield from ids[given:]
        given = len(ids)
    yield from self.encode(text, allowed_special)[given:]


SLIPS = (
    slip("the whole input is read before the first id comes", all_at_once, "encode_stream"),
    slip("a list of all ids is returned, and not an iterator", list_at_once, "encode_stream"),
    slip(
        "each chunk is encoded by itself, as if words and special strings ended with it",
        chunk_by_chunk,
        "encode_stream",
    ),
    slip("each chunk gives a list: yield instead of yield from", list_per_chunk, "encode_stream"),
    slip("the chunks are joined by spaces", joined_by_spaces, "encode_stream"),
    slip("the white space at the ends of the chunks is stripped", chunks_stripped, "encode_stream"),
    slip("what is still held back at the end of the input is lost", rest_lost, "encode_stream"),
    slip("only the last word is held back, though ' and l and l become one word, 'll", one_word_held, "encode_stream"),
    slip("a last word is held back, but white space at the end is not", white_not_held, "encode_stream"),
    slip(
        "the text is cut before its last space, also in the middle of a run of white space",
        cut_at_space,
        "encode_stream",
    ),
    slip("the text is cut after its last space, which belongs to the next word", cut_after_space, "encode_stream"),
    slip("words are held back, but not the beginning of a special string", special_not_held, "encode_stream"),
    slip(
        "a complete special string is taken at once, though a longer one may begin with it",
        longer_not_awaited,
        "encode_stream",
    ),
    slip("special strings are cut out, allowed or not", special_unasked, "encode_stream"),
    slip("allowed_special is not passed on to encode", special_forgotten, "encode_stream"),
    slip("an empty chunk is taken for the end", stops_at_empty, "encode_stream"),
    slip(
        "the input is indexed and measured with len(), which an iterator does not have", needs_a_list, "encode_stream"
    ),
    slip("what is held back is kept on the tokenizer, where two streams share it", rest_on_self, "encode_stream"),
    slip("the whole text so far is kept, and encoded again for every chunk", from_the_start, "encode_stream"),
)
