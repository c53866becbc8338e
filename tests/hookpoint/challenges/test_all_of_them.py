"""What holds for every challenge: it is whole, it was proved sound, and its starter scores a baseline."""

import ast
import json
import subprocess
import sys

import pytest
import torch
from click.testing import CliRunner

from hookpoint.challenges.answers import read_answer
from hookpoint.challenges.at_home import SHIPPED, public
from hookpoint.challenges.definition import STANDINGS, BadAnswer, Challenge, Mark
from hookpoint.challenges.entries import entries, load
from hookpoint.challenges.instance import Instance, from_bytes, to_bytes
from hookpoint.challenges.plain import plain
from hookpoint.challenges.proof import Measured, Proof, read
from hookpoint.challenges.registry import IDS, challenge
from hookpoint.challenges.scoring import scored
from hookpoint.challenges.starter import starter
from hookpoint.cli import main
from hookpoint.content.files import notebook_text
from hookpoint.errors import HookpointError, UsageError
from hookpoint.problems.catalogue import catalogue
from hookpoint.zoo.dice import dice

every = pytest.mark.parametrize("id", IDS)


@every
def test_it_says_all_that_a_team_has_to_know(id):
    one = challenge(id)

    assert one.id == id and one.standing in STANDINGS and one.form in ("function", "json", "safetensors")
    assert all(len(text) > 20 for text in (one.asks, one.why, one.contract, *one.hints)) and len(one.hints) == 3
    assert one.answer in one.contract and one.floor < one.ceiling and one.private >= 2 and one.public >= 1
    assert (one.pass_mark is not None) == (one.standing == "pass mark")
    assert all(catalogue().problem(problem) for problem in one.problems)


@every
def test_it_was_proved_sound_on_eight_instances_that_are_not_the_public_ones(id):
    one, proof = challenge(id), read(id)

    assert len(set(proof.seeds)) >= 8 and min(proof.seeds) > 1000
    assert proof.faults(one) == []
    assert [row.path.stem for row in entries(id) if row.role != "expert"] == [
        row.name for row in proof.entries if row.role != "expert"
    ]


@every
def test_its_reference_answers_are_files_as_anybody_hands_them_in(id):
    one, found = challenge(id), entries(id)

    assert {"attacker", "expert"} <= {row.role for row in found}
    assert all(callable(load(row, one)) for row in found)
    for row in found:
        if one.form == "function":
            assert read_answer(row.path.read_bytes(), row.path.name, id).cells


@every
def test_its_starter_is_an_answer_as_it_is(id):
    one, made = challenge(id), starter(id)
    sources = ["".join(cell["source"]) for cell in made["cells"] if cell["metadata"]["hookpoint"]["kind"] == "answer"]

    assert len(sources) == 1 and one.answer in sources[0] and ast.parse(sources[0])
    if one.form == "function":
        assert read_answer(notebook_text(made).encode(), f"{id}.ipynb").challenge == id


@every
def test_a_public_instance_survives_being_kept(id):
    one = public(id) if (SHIPPED / f"{id}-0.safetensors").is_file() or challenge(id).make_seconds < 1 else None
    if one is None:
        pytest.skip("it takes long to make")
    back = from_bytes(to_bytes(one))

    assert (back.challenge, back.seed, back.facts) == (one.challenge, one.seed, json.loads(json.dumps(one.facts)))
    assert back.tensors.keys() - {"empty"} == one.tensors.keys() - {"empty"}
    assert all(torch.equal(back.tensors[name], one.tensors[name]) for name in one.tensors)


def test_those_that_take_long_come_with_the_package_and_are_small():
    slow = [id for id in IDS if challenge(id).make_seconds > 2]
    files = list(SHIPPED.glob("*.safetensors"))

    assert all(
        (SHIPPED / f"{id}-{number}.safetensors").is_file() for id in slow for number in range(challenge(id).public)
    )
    assert sum(path.stat().st_size for path in files) < 12 << 20


def test_at_least_eight_are_ranked():
    assert sum(challenge(id).ranked for id in IDS) >= 8


@pytest.mark.parametrize("command", [("list",), ("list", "--json"), ("show", "trojan"), ("prove", "--kept")])
def test_who_only_reads_does_not_wait_for_torch(command):
    code = f"""import atexit, sys
atexit.register(lambda: print('torch' in sys.modules))
from hookpoint.cli import main
main({["challenge", *command]})"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "False"


def test_the_list_as_json_has_one_object_each():
    lines = CliRunner().invoke(main, ["challenge", "list", "--json"]).stdout.splitlines()

    assert [json.loads(line)["id"] for line in lines] == list(IDS)
    assert all(type(json.loads(line)["ranked"]) is bool and json.loads(line)["title"] for line in lines)


def test_a_name_that_is_none_is_told_the_nearest():
    with pytest.raises(UsageError, match="Did you mean 'trojan'"):
        challenge("trojans")


@pytest.mark.parametrize("data", [b"", b"\x10" * 40, b"{}", to_bytes(Instance("x", 1, {}, {}))[:-3]])
def test_what_is_no_instance_is_told_in_a_line(data):
    with pytest.raises(HookpointError, match="no instance"):
        from_bytes(data)


def made(**changes) -> Challenge:
    told = {
        "id": "x", "title": "x", "asks": "x", "why": "x", "standing": "ranked", "difficulty": "beginner", "answer": "f",
        "contract": "f", "unit": "u", "floor": 0.2, "ceiling": 0.7, "seconds": 5.0, "generate": None, "score": None,
        "make_seconds": 0.0, "hints": ("", "", ""),
    }  # fmt: skip
    return Challenge(**{**told, **changes})


@pytest.mark.parametrize(("value", "points"), [(0.1, 0), (0.2, 0), (0.45, 50), (0.7, 100), (0.9, 100)])
def test_points_grow_from_the_floor_to_the_ceiling(value, points):
    assert made().points(value) == pytest.approx(points)


def test_the_error_is_that_of_a_mean_over_instances():
    found = scored(made(), [Mark(0.3, 10), Mark(0.5, 20), Mark(0.7, 30)])

    assert (found.value, found.cost) == (pytest.approx(0.5), 20)
    assert found.se == pytest.approx(0.2 / 3**0.5) and found.points_se == pytest.approx(found.se * 200)
    assert scored(made(), [Mark(0.3)]).se == 0.0


def proof(**values) -> Proof:
    """Each entry's values on three instances, by `role_name`."""
    rows = []
    for key, each in values.items():
        role, _, name = key.partition("_")
        rows.append(Measured(role, name, name, tuple(each), (0.0,) * 3, (1.0,) * 3))
    return Proof("x", (1001, 1002, 1003), (0.0,) * 3, tuple(rows))


SOUND = {
    "attacker_constant": (0.2, 0.2, 0.2), "attacker_copy": (0.2, 0.25, 0.2), "baseline_a": (0.3, 0.4, 0.35),
    "baseline_b": (0.5, 0.52, 0.48), "expert_expert": (0.66, 0.7, 0.68),
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, None),
        ({"baseline_b": (0.66, 0.69, 0.67)}, "does not clearly beat b"),
        ({"baseline_b": (0.1, 0.9, 0.62)}, "does not clearly beat b"),  # better on average, by chance
        ({"attacker_copy": (0.64, 0.68, 0.66)}, "attacker copy comes near"),
        ({"expert_expert": (0.66, None, 0.68)}, "cannot be scored"),
    ],
)
def test_what_is_not_sound_is_named(changes, says):
    faults = proof(**SOUND | changes).faults(made())

    assert faults == [] if says is None else any(says in fault for fault in faults)


def test_without_a_second_baseline_nothing_is_proved():
    rows = {name: values for name, values in SOUND.items() if name != "baseline_a"}

    assert proof(**rows).faults(made()) != []


@pytest.mark.parametrize(("expert", "constant", "faults"), [(0.95, 0.2, 0), (0.89, 0.2, 1), (0.95, 0.9, 1)])
def test_a_mark_must_be_reached_by_the_expert_and_by_no_constant(expert, constant, faults):
    one = made(standing="pass mark", pass_mark=0.9)
    rows = {"attacker_constant": (constant,) * 3, "attacker_copy": (0.2,) * 3, "expert_expert": (expert,) * 3}

    assert len(proof(**rows).faults(one)) == faults


class Odd:
    pass


def test_what_numpy_made_is_the_same_as_what_torch_made():
    import numpy as np

    value = {"a": [np.float32(1.5), np.arange(2)], "b": (torch.ones(2, requires_grad=True), {3, 1})}
    found = plain(value)

    assert found["a"][0] == 1.5 and torch.equal(found["a"][1], torch.arange(2)) and not found["b"][0].requires_grad
    assert found["b"][1] == [1, 3] and isinstance(plain(odd := Odd()), Odd) and plain(odd) is odd


def test_a_tensor_without_axes_is_a_number_and_a_nested_one_a_list():
    rows = torch.nested.nested_tensor([torch.ones(2), torch.ones(3)], layout=torch.jagged)
    found = plain([torch.tensor(3), torch.tensor(0.5), rows])

    assert found[:2] == [3, 0.5] and type(found[0]) is int and [len(one) for one in found[2]] == [2, 3]


def test_a_refusal_is_an_error_that_people_can_read():
    assert issubclass(BadAnswer, HookpointError)


def test_every_bit_of_a_private_seed_counts():
    seeds = [1 << 61, (1 << 61) + 1, (1 << 61) + (1 << 40), 1]
    drawn = [torch.rand(4, generator=dice(seed)).tolist() for seed in (*seeds, 1 << 61)]

    assert len({tuple(one) for one in drawn[:4]}) == 4 and drawn[0] == drawn[4]
    assert drawn[3] == torch.rand(4, generator=torch.Generator().manual_seed(1)).tolist()
    many = torch.rand(100_000, generator=dice((1 << 61) + 7))
    assert abs(many.mean() - 0.5) < 0.005 and abs(many.var() - 1 / 12) < 0.002


@every
def test_instances_of_seeds_that_agree_in_32_bits_differ(id):
    if challenge(id).make_seconds > 2:
        pytest.skip("it takes long to make")
    one, other = (challenge(id).generate(seed) for seed in (5, 5 + (1 << 40)))

    assert any(not torch.equal(one.tensors[name], other.tensors[name]) for name in one.tensors if name in other.tensors)
