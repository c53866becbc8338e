"""Checks for `bytes_to_unicode` (part 1, notebook 01)."""

from hookpoint.checks.author import Exercise, Mismatch, Slip, same


def reference():
    """GPT-2's table in closed form: three runs of bytes have no visible sign and move up, in order, to U+0100."""
    table = {byte: chr(byte) for byte in range(256)}
    table |= {byte: chr(byte + 256) for byte in range(33)}
    table |= {byte: chr(byte + 162) for byte in range(127, 161)}
    return table | {173: chr(323)}


def every_byte(learner, draw):
    """Every byte from 0 to 255, as an integer, has a str of one character."""
    got = learner.bytes_to_unicode()
    for byte in range(256):
        if byte not in got:
            raise Mismatch(f"has no character for byte {byte}; it has {len(got)} of 256.", got=got)
        if not (isinstance(got[byte], str) and len(got[byte]) == 1):
            raise Mismatch(f"gives byte {byte} {got[byte]!r}, expected a str of one character.", got=got)
    odd = [key for key in got if type(key) is not int or not 0 <= key < 256]
    if odd:
        raise Mismatch(f"has a key {odd[0]!r} that is no byte.", got=got)


def told_apart(learner, draw):
    """No two bytes share a character, and every character can be printed and seen."""
    got = learner.bytes_to_unicode()
    owner = {}
    for byte in range(256):
        if got.get(byte) in owner:
            raise Mismatch(f"gives {got[byte]!r} to byte {byte} and to byte {owner[got[byte]]}.", got=got)
        owner[got.get(byte)] = byte
    for byte in range(256):
        if not got[byte].isprintable() or got[byte].isspace():
            raise Mismatch(f"gives byte {byte} {got[byte]!r}, which cannot be seen on paper.", got=got)


def table(learner, draw):
    """It is GPT-2's table: visible bytes stand for themselves, the others, in order, for U+0100 and up."""
    got, want = learner.bytes_to_unicode(), reference()
    for byte in (ord("A"), ord("~"), 0xE9, ord(" "), ord("\n"), 0, 0x7F, 0xA0, 0xAD):
        if got.get(byte) != want[byte]:
            raise Mismatch(f"gives byte {byte} (0x{byte:02X}) {got.get(byte)!r}, expected {want[byte]!r}.", got=got)
    same(got, want)


VISIBLE = [*range(33, 127), *range(161, 173), *range(174, 256)]


def moved(visible, start=256):
    """Visible bytes as themselves, the others in order from `start`."""
    hidden = [byte for byte in range(256) if byte not in visible]
    return {byte: chr(byte) for byte in visible} | {byte: chr(start + n) for n, byte in enumerate(hidden)}


def only_ascii():
    return {byte: char for byte, char in reference().items() if byte < 128}


def only_visible():
    return {byte: chr(byte) for byte in VISIBLE}


def turned_round():
    return {char: byte for byte, char in reference().items()}


def numbers():
    return {byte: ord(char) for byte, char in reference().items()}


def bytes_as_keys():
    return {bytes([byte]): char for byte, char in reference().items()}


def plain_chr():
    return {byte: chr(byte) for byte in range(256)}


def no_hyphen():
    return moved([*range(33, 127), *range(161, 256)])


def upper_half_kept():
    return moved([*range(33, 127), *range(128, 256)])


def space_visible():
    return moved([32, *VISIBLE])


def delete_visible():
    return moved([*range(33, 128), *range(161, 173), *range(174, 256)])


def nbsp_visible():
    return moved([*range(33, 127), *range(160, 173), *range(174, 256)])


def byte_plus_256():
    return {byte: chr(byte) if byte in VISIBLE else chr(byte + 256) for byte in range(256)}


def all_moved():
    return {byte: chr(byte + 256) for byte in range(256)}


def starts_at_257():
    return moved(VISIBLE, 257)


def ends_left_out():
    return moved([*range(33, 126), *range(161, 172), *range(174, 255)])


def upper_half_moved():
    return moved(list(range(33, 127)))


def backwards():
    hidden = [byte for byte in range(256) if byte not in VISIBLE][::-1]
    return {byte: chr(byte) for byte in VISIBLE} | {byte: chr(256 + n) for n, byte in enumerate(hidden)}


EXERCISE = Exercise(
    "bytes_to_unicode",
    checks=(every_byte, told_apart, table),
    reference=reference,
    gives=dict,
    forbids=("tokenizers",),
    slips=(
        Slip("only the bytes of ASCII, 0 to 127, are in the table", only_ascii),
        Slip("the bytes that cannot be seen are left out", only_visible),
        Slip("the table goes the other way, from characters to bytes", turned_round),
        Slip("the values are code points: chr() is missing", numbers),
        Slip("the keys are bytes objects and not integers", bytes_as_keys),
        Slip("every byte stands for chr(byte), also those that cannot be seen", plain_chr),
        Slip("173, the soft hyphen, counts as visible: it shows nothing on most screens", no_hyphen),
        Slip("128 to 160 count as visible: they are control characters and the no-break space", upper_half_kept),
        Slip("32, the space, counts as visible", space_visible),
        Slip("127, the delete character, counts as visible: a range goes one too far", delete_visible),
        Slip("160, the no-break space, counts as visible: a range starts one too early", nbsp_visible),
        Slip("a hidden byte moves to 256 + byte, instead of to the next free place from 256 on", byte_plus_256),
        Slip("all bytes move up by 256, the visible ones too", all_moved),
        Slip("the hidden bytes start at 257", starts_at_257),
        Slip("each range of visible bytes ends one too early: range() leaves out its end", ends_left_out),
        Slip("only ASCII can be visible: 161 to 255 are moved too", upper_half_moved),
        Slip("the hidden bytes are numbered from the last to the first", backwards),
    ),
)
