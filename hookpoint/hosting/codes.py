"""Join codes and tokens, how they are stored, and the normal form of names.

A join code is short, because a host reads it aloud; a token is long, because a program keeps it. Whoever takes codes
over the network must limit how often somebody may try one: that is not done here.
"""

import base64
import hashlib
import hmac
import re
import secrets
import unicodedata

from hookpoint.errors import HookpointError, UsageError

__all__ = [
    "LONGEST_NAME",
    "hashed",
    "join_code",
    "join_code_in",
    "matches",
    "name_in",
    "name_key",
    "team_token",
    "token_in",
]

# No two of these look alike in handwriting (0 O Q, 1 I L, 2 Z, 5 S, 6 G, 8 B, U V) or sound alike when they are
# spelled in English (B C D E G P T V Z 3, A J K 8, M N, F S, 5 9, I Y). No vowels: no code is a word.
LETTERS = "FHKMRTWXY24679"
LETTERS_IN_CODE = (
    8  # 14 ** 8 is 1.5 thousand million: ten tries a minute for two days find one of ten codes in 1 of 5000
)
TEAM = "hookpoint_team_"
TOKEN_BYTES = 20  # 160 bits, which fill 32 letters of base32
SCRYPT = {"n": 2**14, "r": 8, "p": 1}  # 16 MB and some 50 ms for each try
SALT_BYTES = 16

LONGEST_NAME = 40  # characters
MOST_MARKS = 4  # accents on one letter: Hebrew and Tibetan have up to that; more is drawn over other lines
LONGEST_INPUT = 1_000  # characters that are looked at, before anything is computed

DASHES = "-_\u2010\u2011\u2012\u2013\u2014\u2015\u2212"
# Drawn as nothing, but neither control nor format characters: fillers, joiners of graphemes, variation selectors.
INVISIBLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\ufe00-\ufe0f\U000e0100-\U000e01ef]")
# Cyrillic and Greek letters that are drawn like a Latin one, small or capital, after `casefold`; and the dotless i.
LOOK_ALIKE = str.maketrans("авекмнортусхіѕјԁԛԝһαβεζηικμνορτυχı", "abekmhoptycxisjdqwhabezhikmnoptyxi")


def join_code() -> str:
    """A new join code, like `K7MF-2RXW`: eight letters that are neither misread nor misheard."""
    letters = "".join(secrets.choice(LETTERS) for _ in range(LETTERS_IN_CODE))
    return f"{letters[:4]}-{letters[4:]}"


def team_token() -> str:
    """A new token for a team's programs: `hookpoint_team_` and 32 letters, 160 bits of chance."""
    return TEAM + base64.b32encode(secrets.token_bytes(TOKEN_BYTES)).decode().lower()


def join_code_in(text: str) -> str:
    """The join code that somebody typed, as `join_code` writes it; case, spaces and dashes do not matter.

    Raises:
        UsageError: it is no join code; the text says what is wrong with it.
    """
    letters = typed(text).upper()
    for letter in letters:
        if letter not in LETTERS:
            raise UsageError(f"No join code has {letter!r} in it. Look at the code again: it is made of {LETTERS}.")
    if len(letters) != LETTERS_IN_CODE:
        raise UsageError(f"A join code has {LETTERS_IN_CODE} letters, this one {len(letters)}. Type all of it.")
    return f"{letters[:4]}-{letters[4:]}"


def token_in(text: str) -> str:
    """The team token that somebody pasted, as `team_token` writes it; case, spaces, line ends, dashes do not matter.

    Raises:
        UsageError: it is no team token. The text does not repeat it: it may be most of a secret.
    """
    prefix, letters = typed(TEAM), typed(text).lower()
    if not re.fullmatch(rf"{prefix}[a-z2-7]{{32}}", letters):
        raise UsageError(f"This is no team token. Paste all of it: {TEAM} and the 32 letters after it.")
    return TEAM + letters.removeprefix(prefix)


def typed(text: str) -> str:
    """What was typed, without what separates letters; full-width letters become plain ones."""
    plain = unicodedata.normalize("NFKC", text[:LONGEST_INPUT])
    return "".join(c for c in plain if not c.isspace() and c not in DASHES and unicodedata.category(c) != "Cf")


def hashed(secret: str) -> str:
    """What is stored of a join code or a team token: who reads the database can join with neither.

    A token has 160 bits of chance: nobody finds it by trying, so that a slow hash would only cost time at every
    request, and a salt would only keep it from being looked up; it is stored as plain SHA-256, the same each time. A
    join code has 30 bits: it is stored with scrypt and a salt, so that trying all of them takes a core two years.

    Raises:
        UsageError: it is neither.
    """
    if is_token(secret):
        return f"sha256${hashlib.sha256(token_in(secret).encode()).hexdigest()}"
    code, salt = join_code_in(secret), secrets.token_bytes(SALT_BYTES)
    return f"scrypt${salt.hex()}${stretched(code, salt)}"


def matches(secret: str, stored: str) -> bool:
    """Whether this is the code or token that `stored` was made from; the time taken tells nothing of what is stored.

    Raises:
        HookpointError: `stored` does not come from `hashed`.
    """
    if not re.fullmatch(r"sha256\$[0-9a-f]{64}|scrypt\$[0-9a-f]{32}\$[0-9a-f]{64}", stored):
        raise HookpointError("A stored code is damaged. Make a new code for these people.")
    try:
        plain = token_in(secret) if is_token(secret) else join_code_in(secret)
    except UsageError:
        return False
    if stored.startswith("sha256$"):
        found = hashlib.sha256(plain.encode()).hexdigest()
    elif is_token(plain):
        return False
    else:
        found = stretched(plain, bytes.fromhex(stored.split("$")[1]))
    return hmac.compare_digest(found, stored.rpartition("$")[2])


def is_token(text: str) -> bool:
    return typed(text).lower().startswith(typed(TEAM))


def stretched(code: str, salt: bytes) -> str:
    return hashlib.scrypt(code.encode(), salt=salt, maxmem=64 << 20, dklen=32, **SCRYPT).hex()


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
