"""Where the learner stands, as one value."""

import os

from hookpoint.app.situation import look, stamp


def states(situation) -> dict[str, str]:
    return {standing.exercise.id: standing.state for standing in situation.standings}


def test_without_a_workspace_everything_is_open(course):
    here = look()

    assert here.workspace is None and set(states(here).values()) == {"open"}
    assert (here.points, here.all_points, here.minutes_left, here.next.exercise.id) == (0, 22, 110, "embed")


def test_each_exercise_is_in_one_of_four_states(learner):
    learner.passes("embed", "pos_embed")
    learner.types("pos_embed", "def PosEmbed(x):\n    return 0")
    learner.checks("layer_norm", "error", "LayerNorm raised.")

    here = look()

    assert list(states(here).values())[:4] == ["passed", "changed", "failing", "open"]
    assert (here.points, here.minutes_left, here.next.exercise.id) == (2, 100, "pos_embed")


def test_a_failure_after_a_pass_is_failing_until_the_passing_answer_is_back(learner):
    learner.passes("embed")
    learner.types("embed", "def Embed(x):\n    return 0")
    learner.checks("embed", "failed", "wrong")
    assert states(look())["embed"] == "failing"

    learner.types("embed", "def Embed(x):\n    return x")

    assert states(look())["embed"] == "passed"


def test_a_hint_that_was_opened_is_no_attempt(learner):
    from hookpoint.content.progress import open_hint

    open_hint(learner.workspace, "embed", 1)

    standing = look().standing("embed")
    assert (standing.state, standing.record.hints, standing.edited) == ("open", 1, False)


def test_a_stub_that_was_checked_is_still_untouched(learner):
    from hookpoint.content.progress import record

    record(learner.workspace, {"exercise": "embed", "status": "missing", "message": "Embed is not written yet."})

    assert states(look())["embed"] == "open"


def test_a_stub_put_back_after_a_pass_asks_for_a_check(learner):
    from hookpoint.content.progress import record

    learner.passes("embed")
    learner.types("embed", look().standing("embed").exercise.stub)
    record(learner.workspace, {"exercise": "embed", "status": "missing"})

    assert states(look())["embed"] == "changed"


def test_the_verdict_stands_while_the_notebook_cannot_be_read(learner):
    learner.passes("embed")
    learner.notebook("02_embed_and_mlp").write_text("{")

    here = look()

    assert states(here)["embed"] == "passed" and len(here.troubles) == 1


def test_a_cell_of_the_learners_own_is_no_newer_text(learner):
    learner.types("embed", "def Embed(x):\n    return x")

    assert look().newer == ()


def test_the_stamp_changes_with_a_record_and_with_a_notebook_only(learner):
    here = look()
    first = stamp(here)
    learner.checks("embed", "failed", "wrong")
    second = stamp(here)
    os.utime(learner.notebook("03_attention"), (1, 1))

    assert first != second != stamp(here)
    assert stamp(here) == stamp(look())
