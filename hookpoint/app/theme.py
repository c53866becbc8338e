"""The pictures' colours as CSS for both themes, and the lines of script that tell which theme is on."""

from hookpoint.pictures.colours import ABSENT, INK, LINES, PAGE, QUIET, TOWARDS, ink_on, mix, signed, unsigned

LEVELS = 20

# Streamlit gives a component the theme's colours but not its name.
SCRIPT = """
function themed(root) {
  const page = getComputedStyle(root).getPropertyValue("--st-background-color").trim();
  const [r, g, b] = [1, 3, 5].map((i) => parseInt(page.slice(i, i + 2), 16));
  root.dataset.theme = r + g + b < 384 ? "dark" : "light";
}
"""


def level(share: float) -> int:
    """The step of the ramp for a share of 0 to 1; the classes `a0` to `a20` carry its colour and a readable ink."""
    return round(LEVELS * min(max(share, 0.0), 1.0))


def _variables(theme: str) -> str:
    """Blue for what is yours, orange for what fails or is chosen; a script mixes `ramp` and `signed` itself."""
    mine, trouble = LINES[theme][0], TOWARDS[theme][1]
    values = {
        "page": PAGE[theme],
        "ink": INK[theme],
        "quiet": QUIET[theme],
        "absent": ABSENT[theme],
        "mine": mine,
        "on-mine": ink_on(mine),
        "trouble": trouble,
        "chosen": TOWARDS[theme][0],
        "on-chosen": ink_on(TOWARDS[theme][0]),
        "line": LINES[theme][1],
        "ramp": " ".join(unsigned(theme)),
        "signed": " ".join(signed(theme)),
    }
    return "; ".join(f"--{name}: {value}" for name, value in values.items())


def _ramp(theme: str) -> str:
    colours = [mix(unsigned(theme), step / LEVELS) for step in range(LEVELS + 1)]
    return "\n".join(
        f".root[data-theme={theme}] .a{step} {{ background: {colour}; color: {ink_on(colour)} }}"
        for step, colour in enumerate(colours)
    )


CSS = (
    f".root {{ {_variables('light')} }}\n.root[data-theme=dark] {{ {_variables('dark')} }}\n"
    f"{_ramp('light')}\n{_ramp('dark')}\n"
)
