"""Codes can be read aloud and typed carelessly, a stored token gives nobody away, and no name plays tricks."""

import base64
import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookpoint.errors import UsageError
from hookpoint.hosting import codes
from hookpoint.hosting.codes import (
    LONGEST_NAME,
    hashed,
    invitation,
    invitation_in,
    join_code,
    join_code_in,
    name_in,
    name_key,
    token,
    token_in,
)

quick = settings(max_examples=50, deadline=None)
TOKEN = "hookpoint_" + "abcdefghijklmnopqrstuvwxyz234567"


# Codes and tokens.


def test_a_join_code_has_no_letter_that_is_taken_for_another():
    letters = set("".join(join_code() for _ in range(500))) - {"-"}

    assert len(letters) == 14 and letters.isdisjoint("0OQ1IL5S8BUVZGAEJNPDC3")


def test_a_join_code_comes_from_the_systems_source_of_chance(monkeypatch):
    monkeypatch.setattr(codes.secrets, "choice", lambda letters: letters[-1])

    assert (join_code(), invitation()) == ("9999-9999", "9999-9999-9999")


def test_an_invitation_is_not_found_by_trying():
    tries = 1_000 * 48 * 3600  # a second, for two days

    assert tries * 500 / 14 ** len(codes.typed(invitation())) < 1 / 500


def test_a_token_has_160_bits_from_the_systems_source_of_chance(monkeypatch):
    monkeypatch.setattr(codes.secrets, "token_bytes", lambda count: bytes(range(count)))

    prefix, _, letters = token().rpartition("_")

    assert prefix == "hookpoint"
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
    assert invitation_in(text + "\n9hkt") == "K7MF-2RXW-9HKT"


@pytest.mark.parametrize(
    ("text", "says"),
    [("K7MF-2RX", "8 letters, this one 7"), ("K7MF-2RXO", "'O'"), ("", "this one 0"), ("К7MF-2RXW", "'К'")],
)
def test_what_is_no_join_code_is_refused_with_the_reason(text, says):
    with pytest.raises(UsageError, match=says):
        join_code_in(text)


def test_a_code_in_the_other_ones_field_is_sent_there():
    with pytest.raises(UsageError, match="a team's invitation. Type it where the team is asked for"):
        join_code_in("K7MF-2RXW-9HKT")
    with pytest.raises(UsageError, match="the event's join code. Ask a member"):
        invitation_in("K7MF-2RXW")


@pytest.mark.parametrize(
    "text", [TOKEN.upper(), f"  {TOKEN}\r\n", TOKEN[:20] + "\n" + TOKEN[20:], TOKEN.replace("_", "-")]
)
def test_a_token_may_be_pasted_carelessly(text):
    assert token_in(text) == TOKEN


@pytest.mark.parametrize("text", [TOKEN[:-1], TOKEN + "a", TOKEN[:-1] + "1", TOKEN[10:], "x" + TOKEN, ""])
def test_what_is_no_token_is_refused_and_not_repeated(text):
    with pytest.raises(UsageError) as error:
        token_in(text)

    assert "abcdefgh" not in str(error.value)


@quick
@given(st.text(max_size=80))
def test_any_text_is_a_code_a_token_or_refused(text):
    for read in (join_code_in, invitation_in, token_in):
        try:
            assert read(read(text)) == read(text)
        except UsageError:
            continue


def test_a_stored_token_is_its_sha256_however_it_was_pasted():
    # printf %s hookpoint_abcdefghijklmnopqrstuvwxyz234567 | sha256sum
    assert hashed(TOKEN) == "60eced61a64e235844d0292ae9aa0c88d7204940b7e43c7294e38f68238c8a25"
    assert hashed(f" {TOKEN.upper()}\n") == hashed(TOKEN)


def test_a_megabyte_is_refused_without_being_read():
    with pytest.raises(UsageError):
        hashed("ﷺ" * 1_000_000)


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
