"""Codes can be read aloud and typed carelessly, what is stored gives nobody away, and no name plays tricks."""

import base64
import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookpoint.errors import HookpointError, UsageError
from hookpoint.hosting import codes
from hookpoint.hosting.codes import (
    LONGEST_NAME,
    hashed,
    join_code,
    join_code_in,
    matches,
    name_in,
    name_key,
    team_token,
    token_in,
)

quick = settings(max_examples=50, deadline=None)
TOKEN = "hookpoint_team_" + "abcdefghijklmnopqrstuvwxyz234567"


@pytest.fixture
def fast(monkeypatch):
    """scrypt with the least work."""
    monkeypatch.setattr(codes, "SCRYPT", {"n": 2, "r": 1, "p": 1})


# Codes and tokens.


def test_a_join_code_has_no_letter_that_is_taken_for_another():
    letters = set("".join(join_code() for _ in range(500))) - {"-"}

    assert len(letters) == 14 and letters.isdisjoint("0OQ1IL5S8BUVZGAEJNPDC3")


def test_a_join_code_comes_from_the_systems_source_of_chance(monkeypatch):
    monkeypatch.setattr(codes.secrets, "choice", lambda letters: letters[-1])

    assert join_code() == "9999-9999"


def test_a_team_token_has_160_bits_from_the_systems_source_of_chance(monkeypatch):
    monkeypatch.setattr(codes.secrets, "token_bytes", lambda count: bytes(range(count)))

    prefix, _, letters = team_token().rpartition("_")

    assert prefix == "hookpoint_team"
    assert base64.b32decode(letters.upper()) == bytes(range(20))


@pytest.mark.parametrize(
    "text",
    [
        "k7mf2rxw",
        " K7MF 2RXW\n",
        "K7-MF-2R-XW",
        "K7MF–2RXW",
        "K7MF\u00a02RXW",
        "Ｋ７ＭＦ－２ＲＸＷ",
        "\ufeffK7MF-\u200b2RXW",
    ],
)
def test_a_join_code_may_be_typed_carelessly(text):
    assert join_code_in(text) == "K7MF-2RXW"


@pytest.mark.parametrize(
    ("text", "says"),
    [("K7MF-2RX", "8 letters, this one 7"), ("K7MF-2RXO", "'O'"), ("", "this one 0"), ("К7MF-2RXW", "'К'")],
)
def test_what_is_no_join_code_is_refused_with_the_reason(text, says):
    with pytest.raises(UsageError, match=says):
        join_code_in(text)


@pytest.mark.parametrize(
    "text", [TOKEN.upper(), f"  {TOKEN}\r\n", TOKEN[:20] + "\n" + TOKEN[20:], TOKEN.replace("_", "-")]
)
def test_a_token_may_be_pasted_carelessly(text):
    assert token_in(text) == TOKEN


@pytest.mark.parametrize("text", [TOKEN[:-1], TOKEN + "a", TOKEN[:-1] + "1", TOKEN[15:], "x" + TOKEN, ""])
def test_what_is_no_token_is_refused_and_not_repeated(text):
    with pytest.raises(UsageError) as error:
        token_in(text)

    assert "abcdefgh" not in str(error.value)


@quick
@given(st.text(max_size=80))
def test_any_text_is_a_code_a_token_or_refused(text):
    for read in (join_code_in, token_in):
        try:
            assert read(read(text)) == read(text)
        except UsageError:
            continue


# What is stored.


def test_a_stored_token_is_its_sha256_and_can_be_looked_up():
    empty_of_secrets = hashed(TOKEN)

    # printf %s hookpoint_team_abcdefghijklmnopqrstuvwxyz234567 | sha256sum
    assert empty_of_secrets == "sha256$b7e446f11bce73c541e45d7e0b78a5cb99ce642d7aeaa0b116e3bd67443689c9"
    assert hashed(TOKEN.upper()) == empty_of_secrets


def test_a_stored_join_code_is_slow_to_try_and_differs_each_time():
    one, other = hashed("K7MF-2RXW"), hashed("K7MF-2RXW")

    assert one != other and one.startswith("scrypt$") and "K7MF" not in one
    assert codes.SCRYPT["n"] * codes.SCRYPT["r"] * 128 >= 16 << 20  # bytes of memory for each try


def test_what_was_stored_matches_what_was_given_and_nothing_else(fast):
    code, token = hashed("K7MF-2RXW"), hashed(TOKEN)

    assert matches("k7mf 2rxw", code) and matches(TOKEN.upper(), token)
    assert not matches("K7MF-2RXX", code) and not matches(TOKEN[:-1] + "2", token)
    assert not matches(TOKEN, code) and not matches("K7MF-2RXW", token)


@quick
@given(st.text(max_size=60))
def test_any_text_may_be_tried(text):
    assert not matches(text, "sha256$" + 64 * "0")


def test_a_megabyte_is_tried_without_being_read():
    assert not matches("ﷺ" * 1_000_000, hashed(TOKEN))


def test_the_comparison_takes_constant_time(monkeypatch):
    compared = []
    monkeypatch.setattr(codes.hmac, "compare_digest", lambda a, b: compared.append((len(a), len(b))) or True)

    assert matches(TOKEN[:-1] + "2", hashed(TOKEN)) and compared == [(64, 64)]


@pytest.mark.parametrize("stored", ["", "sha256$", "scrypt$zz$00", "plain", "sha256$" + 64 * "G", hashed(TOKEN) + "\n"])
def test_a_damaged_store_is_said_and_never_matches(stored):
    with pytest.raises(HookpointError, match="damaged"):
        matches(TOKEN, stored)


# Names.


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("  Ada \t Lovelace\n", "Ada Lovelace"),
        ("Ｔｅａｍ ①", "Team 1"),
        ("ad\u200bmin", "admin"),
        ("abc\u202egnp.exe", "abcgnp.exe"),  # text after it would be drawn backwards
        ("\u2067x\u2069 y\u0000\u0007\u001b[31m", "x y[31m"),
        ("a\u034f\u0301", "á"),
        ("tag\U000e0041\U000e0042", "tag"),
        ("x\ud800\ue000", "x"),
        ("Zoe\u0308", "Zoë"),
        ("שלום", "שלום"),
        ("Nguyễn Thị Ngọc", "Nguyễn Thị Ngọc"),
        ("ทีมน้ำ", unicodedata.normalize("NFKC", "ทีมน้ำ")),
        ("李雷 & 韩梅梅", "李雷 & 韩梅梅"),
        ("O’Brien-Müller", "O’Brien-Müller"),
    ],
)
def test_a_name_is_kept_as_it_is_read(text, name):
    assert name_in(text) == name


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "a letter or a digit"),
        ("\u3164\u2800\u200d", "a letter or a digit"),
        ("---", "a letter or a digit"),
        ("x" * 41, "at most 40"),
        ("ﷺﷺﷺ", "at most 40"),  # one character that becomes eighteen
        ("x" + " " * 2000 + "y", "at most 40"),
        ("e" + "\u0315" * 5, "accents"),
    ],
)
def test_a_name_that_cannot_be_shown_is_refused(text, says):
    with pytest.raises(UsageError, match=says):
        name_in(text)


@quick
@given(st.text(alphabet=st.characters(), max_size=60))
def test_a_kept_name_is_short_drawn_and_in_normal_form(text):
    try:
        name = name_in(text)
    except UsageError:
        return

    assert name == name_in(name) == unicodedata.normalize("NFKC", name) and 0 < len(name) <= LONGEST_NAME
    assert not [c for c in name if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")]
    assert not re.search(r"^\s|\s$|\s\s", name)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Team Alpha", "team  ALPHA"),
        ("Alpha", "Аlрhа"),  # Cyrillic А, р, а
        ("BETA", "ΒΕΤΑ"),  # Greek
        ("MOCKBA", "МОСКВА"),
        ("admin", "ad\u00admin"),
        ("Straße", "STRASSE"),
        ("ﬁne", "FINE"),
        ("Team-A", "Team_A"),
        ("Zoë", "ZOE\u0308"),
        ("ⅷ", "VIII"),
        ("x\ufe0f", "x"),
    ],
)
def test_names_that_look_the_same_have_one_key(one, other):
    assert name_key(one) == name_key(other)


@pytest.mark.parametrize(
    ("one", "other"), [("Müller", "Muller"), ("C++", "C"), ("Ali", "All"), ("Team 1", "Team 2"), ("Лев", "Лес")]
)
def test_names_that_look_different_have_two_keys(one, other):
    assert name_key(one) != name_key(other)


@quick
@given(st.text(alphabet=st.characters(), min_size=1, max_size=30))
def test_a_key_does_not_depend_on_case_or_form(text):
    try:
        name = name_in(text)
    except UsageError:
        return

    assert name_key(name) == name_key(unicodedata.normalize("NFC", text)) == name_key(f" {name} ")
    assert name_key(name.casefold()) == name_key(name) if len(name.casefold()) <= LONGEST_NAME else True
