"""Join codes, invitations and tokens, how tokens are stored, and the normal form of names.

A join code is short, because a host reads it aloud, and no secret: the projector shows it to the room. An invitation
opens one team alone, so it is half as long again, and cannot be found by trying. A token says who somebody is, and a
program keeps it: only its hash is stored.
"""

import base64
import hashlib
import re
import secrets
import unicodedata

from hookpoint.errors import UsageError

__all__ = [
    "LONGEST_NAME",
    "hashed",
    "invitation",
    "invitation_in",
    "join_code",
    "join_code_in",
    "name_in",
    "name_key",
    "token",
    "token_in",
]

# No two of these look alike in handwriting (0 O Q, 1 I L, 2 Z, 5 S, 6 G, 8 B, U V) or sound alike when they are
# spelled in English (B C D E G P T V Z 3, A J K 8, M N, F S, 5 9, I Y). No vowels: no code is a word.
LETTERS = "FHKMRTWXY24679"
LETTERS_IN_CODE = 8
LETTERS_IN_INVITATION = 12  # 14 ** 12: a thousand tries a second for two days find one of 500 in 1 of 600 events
PERSONAL = "hookpoint_"
TOKEN_BYTES = 20  # 160 bits, which fill 32 letters of base32

LONGEST_NAME = 40  # characters
MOST_MARKS = 4  # accents on one letter: Hebrew and Tibetan have up to that; more is drawn over other lines
LONGEST_INPUT = 1_000  # characters that are looked at, before anything is computed

DASHES = "-_\u2010\u2011\u2012\u2013\u2014\u2015\u2212"
# Drawn as nothing, but neither control nor format characters: fillers, joiners of graphemes, variation selectors.
INVISIBLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\ufe00-\ufe0f\U000e0100-\U000e01ef]")
# Cyrillic and Greek letters that are drawn like a Latin one, small or capital, after `casefold`; and the dotless i.
LOOK_ALIKE = str.maketrans("авекмнортусхіѕјԁԛԝһαβεζηικμνορτυχı", "abekmhoptycxisjdqwhabezhikmnoptyxi")


def join_code() -> str:
    """A new join code of an event, like `K7MF-2RXW`: eight letters that are neither misread nor misheard."""
    return drawn(LETTERS_IN_CODE)


def invitation() -> str:
    """A new invitation to a team, like `K7MF-2RXW-9HKT`."""
    return drawn(LETTERS_IN_INVITATION)


def token() -> str:
    """A new token of a person: `hookpoint_` and 32 letters, 160 bits of chance."""
    return PERSONAL + base64.b32encode(secrets.token_bytes(TOKEN_BYTES)).decode().lower()


def join_code_in(text: str) -> str:
    """The join code that somebody typed, as `join_code` writes it; case, spaces and dashes do not matter.

    Raises:
        UsageError: it is no join code; the text says what is wrong with it.
    """
    letters = letters_in(text, "join code")
    if len(letters) == LETTERS_IN_INVITATION:
        raise UsageError("This is a team's invitation. Type it where the team is asked for; the room shows the code.")
    return counted(letters, LETTERS_IN_CODE, "A join code")


def invitation_in(text: str) -> str:
    """The invitation that somebody typed, as `invitation` writes it; case, spaces and dashes do not matter.

    Raises:
        UsageError: it is none; the text says what is wrong with it.
    """
    letters = letters_in(text, "invitation")
    if len(letters) == LETTERS_IN_CODE:
        raise UsageError("This is the event's join code. Ask a member of the team for its invitation.")
    return counted(letters, LETTERS_IN_INVITATION, "An invitation")


def token_in(text: str) -> str:
    """The token that somebody pasted, as `token` writes it; case, spaces, line ends and dashes do not matter.

    Raises:
        UsageError: it is no token. The text does not repeat it: it may be most of a secret.
    """
    prefix, letters = typed(PERSONAL), typed(text).lower()
    if not re.fullmatch(rf"{prefix}[a-z2-7]{{32}}", letters):
        raise UsageError(f"This is no token. Paste all of it: {PERSONAL} and the 32 letters after it.")
    return PERSONAL + letters.removeprefix(prefix)


def hashed(token: str) -> str:
    """What is stored of a token, so that who reads the database cannot sign in: its SHA-256.

    A token has 160 bits of chance, so that nobody finds it by trying: a slow hash would only cost time at every
    request, and a salt would only keep it from being looked up.

    Raises:
        UsageError: it is no token.
    """
    return hashlib.sha256(token_in(token).encode()).hexdigest()


def drawn(count: int) -> str:
    return grouped("".join(secrets.choice(LETTERS) for _ in range(count)))


def grouped(letters: str) -> str:
    return "-".join(letters[at : at + 4] for at in range(0, len(letters), 4))


def letters_in(text: str, what: str) -> str:
    letters = typed(text).upper()
    for letter in letters:
        if letter not in LETTERS:
            raise UsageError(f"No {what} has {letter!r} in it. Look at it again: it is made of {LETTERS}.")
    return letters


def counted(letters: str, count: int, what: str) -> str:
    if len(letters) != count:
        raise UsageError(f"{what} has {count} letters, this one {len(letters)}. Type all of it.")
    return grouped(letters)


def typed(text: str) -> str:
    """What was typed, without what separates letters; full-width letters become plain ones."""
    plain = unicodedata.normalize("NFKC", text[:LONGEST_INPUT])
    return "".join(c for c in plain if not c.isspace() and c not in DASHES and unicodedata.category(c) != "Cf")


def name_in(text: str) -> str:
    """The name of a person or a team as it is kept and shown: NFKC, one line, nothing invisible, bounded.

    Names in every script are taken. One that is written from right to left turns the text around it: a page isolates
    names (`<bdi>`).

    Raises:
        UsageError: nothing is left of it, it is too long, or it has letters with piles of accents.
    """
    name = text[:LONGEST_INPUT]
    for form in ("NFKC", "NFKC"):  # twice: letters that something invisible held apart may combine
        name = unicodedata.normalize(form, "".join(visible(c) for c in unicodedata.normalize(form, name)))
        name = " ".join(name.split())
    if not any(unicodedata.category(c)[0] in "LN" for c in name):
        raise UsageError("A name needs a letter or a digit. Choose another one.")
    if len(name) > LONGEST_NAME or len(text) > LONGEST_INPUT:
        raise UsageError(f"A name has at most {LONGEST_NAME} characters. Choose a shorter one.")
    marks = "".join("M" if unicodedata.category(c) in ("Mn", "Me") else " " for c in unicodedata.normalize("NFD", name))
    if "M" * (MOST_MARKS + 1) in marks:
        raise UsageError("This name has more accents on one letter than can be drawn. Choose another one.")
    return name


def visible(character: str) -> str:
    """The character; a space for one that ends a line; nothing for one that is not drawn or has no meaning here."""
    if character.isspace():
        return " "
    hidden = unicodedata.category(character)[0] == "C" or INVISIBLE.match(character)
    return "" if hidden else character


def name_key(name: str) -> str:
    """What two names have in common that people would take for the same: it is compared, never shown.

    Case, spaces and dashes do not matter, nor which alphabet a letter is from that looks the same in Latin, Cyrillic
    and Greek. It knows the common look-alikes, not all of Unicode's, and leaves digits apart from letters.

    Raises:
        UsageError: `name_in` does not take the name.
    """
    key = name_in(name)
    for _ in range(2):  # casefold may undo the normal form, and the normal form may bring capitals
        key = unicodedata.normalize("NFKC", key.casefold())
    return "".join(c for c in key if not c.isspace() and c not in DASHES).translate(LOOK_ALIKE) or key
