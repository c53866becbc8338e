"""A small world and the English that is spoken about it: text whose every label is known, because we wrote it.

The world has people, citizens among them about whom there are facts, and cities in countries (words.py). A *passage* is
one unit of text of one *family*; it knows its family, its template, and which words play which role (grammar.py). The
families, with `|` between choices and capitals for words that are drawn:

    document    -> passage{2..5}
    passage     -> ("One day" | "Later" | "Every day" | ...)? sentence | list | story
    sentence    -> ioi | arrival | agreement | pronoun | belongings | fact | geography
    ioi         -> "When" A "and" B "went to the" PLACE "," S2 GAVE "a" OBJECT "to" IO "."          S2 = A, IO = B
                 | ... S2 = B, IO = A | 9 more templates, two of them with a third person
    arrival     -> A "and" B "were at the" PLACE "." (A | B) "stayed there." | ... C "came there." | ...
    agreement   -> "The" NOUN ("near the" NOUN)? VERB "in the" PLACE "."      VERB has the number of the first NOUN
    pronoun     -> A "told" B "that" (he | she: A) "was" FEELING "." | A "asked" B "if" (he | she: B) ... "." | ...
    belongings  -> A "put the" OBJECT "in" (his | her) "bag." | ...
    fact        -> CITIZEN "lives in" CITY "." | "is from" COUNTRY | "works as a" JOB | "has a pet" PET | ...
    geography   -> CITY "is a city in" COUNTRY "." | ...
    list        -> "Say after me:" WORD{4..8} ". Once more:" the same words "."
    story       -> opening (pronoun | belongings | fact | ...){1..4} ending            all about one person

Each passage begins with a space, and with the shipped tokenizer every word of the world is one token with the space
before it: the token of a word does not depend on where it stands.

Kept back from training, so that a skill can be tested on what was never seen: for every skill some templates, and some
names (for agreement nouns, for facts pairs of citizen and template). A name that is kept back from one family occurs in
the others, a fact in other words. `prompts` asks for them by split: "train", "new_names", "new_templates" or
"held_out", which is both.
"""

from . import words
from .corpus import (
    END_OF_TEXT,
    FAMILIES,
    MIXTURE,
    documents,
    glossary,
    passages,
    text_of,
    token_stream,
    tokenizer,
    train_tokenizer,
)
from .grammar import Passage, Span, Template, joined, opened, templates
from .knowledge import fact, geography
from .prompts import SKILLS, Prompts, make_pairs, of_passages, prompts
from .sentences import agreement, arrival, ioi, list_copy, swapped
from .tales import belongings, story, tell_pronoun
from .words import CITIZENS, FACTS, NAMES, RELATIONS, SMALL_WORLD, WORLD, World, is_male, pronoun

__all__ = [
    "CITIZENS",
    "END_OF_TEXT",
    "FACTS",
    "FAMILIES",
    "MIXTURE",
    "NAMES",
    "RELATIONS",
    "SKILLS",
    "SMALL_WORLD",
    "WORLD",
    "Passage",
    "Prompts",
    "Span",
    "Template",
    "World",
    "agreement",
    "arrival",
    "belongings",
    "documents",
    "fact",
    "geography",
    "glossary",
    "ioi",
    "is_male",
    "joined",
    "list_copy",
    "make_pairs",
    "of_passages",
    "opened",
    "passages",
    "prompts",
    "pronoun",
    "story",
    "swapped",
    "tell_pronoun",
    "templates",
    "text_of",
    "token_stream",
    "tokenizer",
    "train_tokenizer",
    "words",
]
