"""A sound source becomes a lesson; anything else is refused with file, line, what and how to mend it."""

import pytest

from hookpoint.content.lesson import ExerciseSpec, read_lesson
from hookpoint.content.rules import snake_case
from hookpoint.errors import AuthoringError


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def refusal(path) -> AuthoringError:
    with pytest.raises(AuthoringError) as refused:
        read_lesson(path)
    return refused.value


def test_a_sound_source_becomes_a_lesson(authored, tmp_path):
    lesson = read_lesson(authored.write(tmp_path))

    assert (lesson.part, lesson.name, lesson.title) == ("part1_build_gpt2", "01_doubling", "Doubling")
    assert lesson.exercises == (
        ExerciseSpec(
            id="double",
            writes="double",
            minutes=10,
            points=2,
            stars=2,
            line=line_of(authored.LESSON, '# %% exercise="double"'),
        ),
    )


def test_an_exercise_is_named_after_the_class_that_it_writes(authored, tmp_path):
    answer = authored.exercise("layer_norm").replace("def layer_norm(x):", "class LayerNorm:")

    lesson = read_lesson(authored.write(tmp_path, authored.title() + answer))

    assert [(spec.id, spec.writes) for spec in lesson.exercises] == [("layer_norm", "LayerNorm")]


@pytest.mark.parametrize(
    ("name", "id"),
    [("LayerNorm", "layer_norm"), ("GPT2", "gpt2"), ("MLP", "mlp"), ("QKVCircuit", "qkv_circuit"), ("top_k", "top_k")],
)
def test_an_id_is_the_name_in_snake_case(name, id):
    assert snake_case(name) == id


def test_one_slip_is_reported_once(authored, tmp_path):
    for slip in ("exercize=", "exercis="):
        assert len(refusal(authored.write(tmp_path, authored.LESSON.replace("exercise=", slip))).problems) == 1


def test_a_check_before_its_exercise_is_refused(authored, tmp_path):
    check = '# %% check="double" points=2\nchecks.run("double")\n'
    text = authored.LESSON.replace(check, "").replace('# %% exercise="double"', check + '\n# %% exercise="double"')

    problem = refusal(authored.write(tmp_path, text))

    assert "out of order" in problem.what
    assert problem.line == line_of(text, '# %% exercise="double"')


def test_an_id_used_twice_in_a_notebook_is_refused(authored, tmp_path):
    text = authored.LESSON + authored.exercise()

    whats = [problem.what for problem in refusal(authored.write(tmp_path, text)).problems]

    assert any("`exercise` has the id `double` twice" in what for what in whats)
    assert any("`check` has the id `double` twice" in what for what in whats)


def test_an_exercise_with_two_headings_is_refused(authored, tmp_path):
    heading = "\n# %% [markdown]\n# ## Exercise: `double` ★\n"

    problem = refusal(authored.write(tmp_path, authored.title() + heading + authored.exercise()))

    assert "has 2 headings" in problem.what


def test_all_problems_of_a_file_are_reported_at_once_in_order(authored, tmp_path):
    text = authored.LESSON.replace("# # 01", "01").replace("rung=2", "rung=4").replace("points=2", "points=0")

    error = refusal(authored.write(tmp_path, text))

    lines = [problem.line for problem in error.problems]
    assert lines == sorted(lines)
    assert all(words in str(error) for words in ("must begin with", "rungs", "above 0", f"{len(lines)} problems."))


def test_a_hint_may_quote_a_line_that_the_notebook_shows_anyway(authored, tmp_path):
    setup = "\n# %%\ndef shown(x):\n    return sum([x, x])\n"
    text = authored.title() + setup + authored.exercise().replace("The recipe", "`return sum([x, x])`")

    assert read_lesson(authored.write(tmp_path, text))


def test_a_hint_may_quote_a_line_too_short_to_tell_anything(authored, tmp_path):
    text = authored.title() + authored.exercise(solution="y = x + x").replace("# The recipe.", "# First `y = x + x`.")

    assert read_lesson(authored.write(tmp_path, text))
