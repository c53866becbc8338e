"""The words by which a write-up's sections, controls, predictions, counts and sentences are known.

All of them are patterns that never look at a text more than a few times over, whatever it is.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """A section that a write-up must have: headings that are `exact` go before those with `words` in them."""

    heading: str
    exact: str
    words: str


PARTS = {
    "team": Part(
        "Team", r"(the |our )?(team|authors?|members|participants|who we are)( name| members)?", r"team|author"
    ),
    "claim": Part("Claim", r"(the |our |main )*claims?( in (one|a) sentence)?|tl;?dr", r"\bclaims?\b"),
    "prediction": Part(
        "Prediction",
        r"(the |our )?(registered )?(predictions?|hypothes[ie]s|pre-?registration)( .*(before|looking|looked).*)?",
        r"predict|hypothes|pre-?regist|expected",
    ),
    "method": Part(
        "Method", r"(the |our )?(methods?|methodology|approach)", r"method|approach|procedure|experiment|setup"
    ),
    "evidence": Part(
        "Evidence", r"(the |our )?(evidence|results?|findings)( .*control.*)?", r"evidence|result|finding"
    ),
    "mind": Part(
        "What would change our mind", r"what would change (our|my) minds?", r"change.*\bminds?\b|falsif|refute"
    ),
    "limits": Part("Limits", r"(the |our |known )?(limits?|limitations?)", r"\blimit|caveat|shortcoming"),
    "safety": Part(
        "Safety relevance", r"((ai )?safety|relevance)( relevance| for safety| to safety)?", r"safety|alignment"
    ),
    "commands": Part(
        "Commands to reproduce",
        r"(commands|how|steps|instructions) to reproduce|reproduc(e|tion|ing|ibility)|commands|how to run( .*)?",
        r"reproduc|commands|how to run|replicat",
    ),
    "ai": Part(
        "AI assistance",
        r"(use of )?(ai|llms?)([- ](assistance|use|usage|tools|help))?( statement| disclosure)?",
        r"\b(ai|llm)\b.*\b(us|assist|help|statement|tool|disclos)|\b(us|assist|help).*\b(ai|llms?)\b|assistance",
    ),
}
TITLE = re.compile(r"(the )?(project )?(title|name)( of (the|our) project)?")
LABELS = re.compile("|".join(f"(?:{exact})" for exact in [TITLE.pattern, *(part.exact for part in PARTS.values())]))
KNOWN = re.compile("|".join([f"^(?:{LABELS.pattern})$", *(part.words for part in PARTS.values())]))


PLACEHOLDER = re.compile(r"\\?\[\s*replace:", re.IGNORECASE)
UNDONE = re.compile(r"\W*(?:to ?do|tbd|tba|fill (?:me )?in|coming soon|lorem ipsum)\b[\W]*", re.IGNORECASE)
PICTURE = re.compile(r"!\[([^\[\]]*)\]|<img\b([^<>]*)>|\\includegraphics", re.IGNORECASE)
TAG = re.compile(r"<[^<>]*>")

# A sentence ends: the word before the mark, the mark, and a capital letter after the space.
END = re.compile(r"(\S{0,40}?)([.!?]{1,3})[\"'”’»)*_\]]{0,4}\s+[\"'“‘„«(*_\[]{0,4}(?=[^\W\d_])(\w)|([。！？])\s*\w")
SHORT = set(
    "e.g i.e al vs fig figs eq sec ch app cf ca approx resp no nr nos vol pp dr prof mr ms mrs st inc etc bzw usw vgl "
    "abb tab bspw evtl ggf incl inkl esp viz def thm ref refs univ dept est max min avg".split()
)
ASIDE = re.compile(r"`[^`]*`|\([^()]*\)|\"[^\"]*\"|“[^“”]*”|„[^„“”]*[“”]|«[^«»]*»|\$[^$]*\$")

CONTROL = re.compile(
    r"control|kontroll|ablat|baseline|random|zuf[aä]ll|shuffl|permut|placebo|\bnull\b|chance|sham|untrained|counterfact"
    r"|compar|vergl|\bvs\b|versus|\bthan\b|\bals\b|without|ohne|unlike|whereas|zeroed|corrupt|scrambl|held.?out|contrast"
    r"|other|andere",
    re.IGNORECASE,
)
CAN_FAIL = re.compile(
    r"\d|[<>=≤≥≈≠±%↑↓→∝~]|\\(?:le|ge|lt|gt|approx|neq|propto)\b"
    r"|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|zero|half|twice|double|triple|third|quarter|both)\b"
    r"|\b(?:more|less|most|least|fewer|fewest|than|as|equal\w*|same|different|differ\w*|majority|exceed\w*|above|below|beat\w*"
    r"|between|outperform\w*|(?:larg|great|small|high|low|strong|weak|fast|slow|long|short|earli|lat|bigg|deep)(?:er|est)"
    r"|better|worse|best|worst|first|last|before|after|increas\w*|decreas\w*|ris\w+|fall\w*|drop\w*|grow\w*|shrink\w*"
    r"|improv\w*|reduc\w*|positiv\w*|negativ\w*|up|down|vanish\w*|disappear\w*|appear\w*|recover\w*|restor\w*|los[et]\w*"
    r"|gain\w*|correlat\w*|degrad\w*|hurt\w*|help\w*|break\w*|preserv\w*|chang\w*|unchanged|converg\w*|diverg\w*|flip\w*"
    r"|no|not|none|never|nothing|neither|cannot|only|all|every|any|always|without|fail\w*|if|unless)\b|n't\b|n’t\b"
    r"|\b(?:mehr|weniger|gr[oöß]\w+er|kleiner|höher|niedriger|stärker|schwächer|besser|schlechter|als|kein\w*|nicht|nur"
    r"|steig\w*|sink\w*|fällt|fallen|nimmt|halb\w*|doppelt|gleich|zwei|drei|alle\w*|wenn)\b",
    re.IGNORECASE,
)
# Digits that predict nothing: dates, times, names of models, and the numbers of a list.
NO_MEASURE = re.compile(
    r"\d{4}-\d\d?-\d\d?|\d\d?\.\d\d?\.\d{2,4}|\d\d?:\d\d|\b(?:gpt|llama|pythia)-?\d|^[ \t>]*\d{1,9}[.)]\s",
    re.IGNORECASE | re.MULTILINE,
)
# The n of a result: `n = 40`, `3 x 5`, `1.200 Sätze`, `five seeds`. A number of a figure or a layer is none.
COUNTED = re.compile(
    r"\bn(?:_\w+|\s*\([^()]*\))?\s*(?:[=:≈~≥>]|is|of)\s*\W{0,3}\d|\d\s*[×x]\s*\d"
    r"|\b(?:seeds|runs|prompts|samples|trials|examples|models|sentences)\W{1,3}\d"
    r"|(?<![\w.,-])\d{1,3}(?:[.,'’\u202f\u00a0 ]?\d{3}){0,4}(?![\d%]|[.,]\d)[ \u00a0-]"
    r"(?:[\w-]{1,30} ){0,2}?[^\W\d_]{3,}"
    r"|\b(?:two|three|four|five|six|seven|eight|nine|ten|twenty|fifty|hundred|thousand|zwei|drei|vier|fünf|zehn|hundert"
    r"|single|deterministic|exact\w*|exhaustive\w*)\b",
    re.IGNORECASE,
)
NUMBERED = re.compile(
    r"\b(?:fig\w*|table|tab|layer|head|section|step|eq\w*|abb\w*)[ \u00a0.#]{0,2}\d[\d.]*", re.IGNORECASE
)
COUNT_COLUMN = re.compile(r"\W*(?:n|count|samples|prompts|seeds|runs|#)\b", re.IGNORECASE)
DRAWN = re.compile(  # a drawing is made of nothing that could be counted
    r"diagram|schema|architect|pipeline|overview|logo|screenshot|circuit|illustrat|sketch|drawing|example|photo|badge"
    r"|flow",
    re.IGNORECASE,
)
RESULT = re.compile(r"\d\s*\\?%|\d[.,]\d")
CODE = re.compile(
    r"`[^`]+`|<(?:pre|code|kbd)\b|notebook|\.ipynb|^\W*(?:none|n/?a|not applicable|keine?)\b", re.IGNORECASE
)
