"""What the doctor says of laptops that are fit, and of those that are not."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections import namedtuple
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from hookpoint.errors import HookpointError
from hookpoint.grading import level
from hookpoint.hosting import doctor, intact, machine, setup
from hookpoint.hosting.doctor import Site, examine
from hookpoint.hosting.folder import EventFolder
from hookpoint.hosting.running import Running, only_one
from hookpoint.hosting.store.database import open_database

GB = 1 << 30


@pytest.fixture
def event_folder(tmp_path):
    """The folder of an event of tomorrow at a port that is free."""
    folder, at = EventFolder(tmp_path / "event"), datetime.now(UTC)
    starts = (at + timedelta(days=1)).replace(tzinfo=None, second=0, microsecond=0)
    setup.make(folder, setup.settings_for("Night", "Hall", "UTC", starts, "one_day", ("03_attention",)), at)
    edit(folder, "port = 8000", f"port = {free_port()}")
    return folder


def edit(folder: EventFolder, old: str, new: str) -> None:
    text = folder.settings_path.read_text()
    assert old in text
    folder.settings_path.write_text(text.replace(old, new))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def site(event_folder):
    return Site(datetime.now(UTC), event_folder)


# The whole


def test_every_finding_has_a_state_and_one_line_each_and_a_bad_one_says_what_to_do(site):
    findings = list(examine(site))

    assert len(findings) == len(doctor.CHECKS)
    for one in findings:
        assert one.state in ("ok", "warn", "mend") and "\n" not in one.said + one.do
        assert one.do or one.state == "ok"


def test_what_cannot_be_looked_at_does_not_end_the_visit(site, monkeypatch):
    def faint(site):
        raise RuntimeError("blood")

    monkeypatch.setattr(doctor, "CHECKS", (faint, doctor.python))

    fainted, healthy = examine(site)

    assert (fainted.state, healthy.state) == ("warn", "ok") and "blood" in fainted.said


def test_without_an_event_it_is_a_laptop_that_is_looked_at(monkeypatch):
    site = Site(datetime.now(UTC))

    assert doctor.settings(site).state == doctor.database(site).state == "warn"
    assert "host init" in doctor.settings(site).do
    assert doctor.clock(site).state == "ok"


# The machine


def test_a_python_that_is_too_new_or_too_old_is_to_be_changed(site, monkeypatch):
    Version = namedtuple("Version", "major minor micro")
    for version, state in ((Version(3, 10, 1), "mend"), (Version(3, 13, 0), "ok"), (Version(3, 14, 0), "mend")):
        monkeypatch.setattr(doctor.sys, "version_info", version)
        assert doctor.python(site).state == state


def test_packages_that_are_missing_are_named(site, monkeypatch):
    monkeypatch.setattr(doctor, "NEEDED", ("sys", "no_such_package", "nor_this_one"))

    found = doctor.packages(site)

    assert found.state == "mend" and "no_such_package, nor_this_one" in found.said and "hookpoint[host]" in found.do


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (level.Level(4, True, True), "ok"),
        (level.Level(4, True, False), "warn"),
        (level.Level(0, True, True), "mend"),
        (level.Level(), "mend"),
    ],
)
def test_without_the_two_layers_of_the_sandbox_nothing_may_be_graded(site, monkeypatch, found, state):
    monkeypatch.setattr(level, "probe", lambda: found)

    assert doctor.sandbox(site).state == state


@pytest.mark.parametrize(("available", "state"), [(1 * GB, "mend"), (4 * GB, "warn"), (9 * GB, "ok")])
def test_memory_is_what_is_free(site, monkeypatch, available, state):
    import psutil

    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=available, total=16 * GB))

    assert doctor.memory(site).state == state


@pytest.mark.parametrize(("free", "state"), [(GB // 2, "mend"), (2 * GB, "warn"), (50 * GB, "ok")])
def test_room_is_that_of_the_event_s_own_disk(site, monkeypatch, free, state):
    asked = []
    monkeypatch.setattr(shutil, "disk_usage", lambda path: asked.append(path) or SimpleNamespace(free=free))

    assert doctor.disk(site).state == state and asked == [site.folder.path]


def test_a_clock_that_is_behind_its_own_files_is_found_without_a_network(site):
    path = site.folder.path / "event.db"
    later = (site.at + timedelta(days=400)).timestamp()
    os.utime(path, (later, later))

    found = doctor.clock(site)

    assert found.state == "mend" and "400 days" in found.said


@pytest.mark.parametrize(("battery", "state"), [((False, 40.0), "warn"), ((True, 90.0), "ok"), ((None, None), "ok")])
def test_a_laptop_on_its_battery_is_to_be_plugged_in(site, monkeypatch, battery, state):
    monkeypatch.setattr(machine, "on_mains", lambda: battery)

    found = doctor.power(site)

    assert found.state == state and "sleep" in found.do


# The network


def stand(monkeypatch, usual: str = "", **cards: list[str]) -> None:
    """A machine with these network cards."""
    import psutil

    kinds = {
        name: [SimpleNamespace(family=socket.AF_INET, address=one) for one in found] for name, found in cards.items()
    }
    up = {name: SimpleNamespace(isup=not name.startswith("off")) for name in cards}
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: kinds)
    monkeypatch.setattr(psutil, "net_if_stats", lambda: up)
    monkeypatch.setattr(machine, "_usual", lambda: usual)


def test_the_room_s_address_comes_before_those_of_containers_and_the_machine_s_own_is_left_out(monkeypatch):
    cards = {
        "lo": ["127.0.0.1"], "docker0": ["172.17.0.1"], "off0": ["10.9.9.9"], "eth1": ["169.254.1.1"],
        "wlan0": ["192.168.0.12"], "eth0": ["10.0.0.5"],
    }  # fmt: skip
    stand(monkeypatch, "192.168.0.12", **cards)

    assert machine.addresses() == ["192.168.0.12", "10.0.0.5", "169.254.1.1", "172.17.0.1"]
    assert machine.reachable_at("0.0.0.0", 8000)[0] == "http://192.168.0.12:8000"


def test_a_tunnel_with_the_way_out_does_not_hide_the_room(monkeypatch):
    stand(monkeypatch, "10.8.0.2", tun0=["10.8.0.2"], wlan0=["192.168.0.12"])

    assert machine.addresses()[0] == "192.168.0.12"


def test_in_no_network_nobody_could_come(site, monkeypatch):
    stand(monkeypatch, lo=["127.0.0.1"])

    assert doctor.network(site).state == "mend"
    assert machine.reachable_at("0.0.0.0", 8000) == ["http://127.0.0.1:8000"]
    assert machine.reachable_at("::1", 8000) == ["http://[::1]:8000"]


def test_a_server_for_this_laptop_alone_is_said_to_be_one(site):
    edit(site.folder, '"0.0.0.0"', '"127.0.0.1"')

    assert doctor.network(site).state == "warn"


def test_a_port_that_another_program_has_is_to_be_changed(site):
    with socket.create_server(("0.0.0.0", site.settings.server.port)):
        found = doctor.port(site)
    assert found.state == "mend" and "another program" in found.do

    assert doctor.port(site).state == "ok"


def test_while_the_event_is_served_its_port_is_in_good_hands(site):
    with only_one(site.folder) as answers, socket.create_server(("0.0.0.0", site.settings.server.port)):
        answers(Running(1, ("http://x:1",)))

        assert doctor.port(site).state == "ok"


def test_an_address_that_this_machine_has_not_is_said_in_one_line():
    with pytest.raises(HookpointError, match="no such address"):
        machine.listening("203.0.113.7", 0)


def test_a_process_may_open_as_many_files_as_the_system_gives():
    code = (
        "import resource\nfrom hookpoint.hosting.machine import with_more_files\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (256, 4000))\n"
        "print(with_more_files(), resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["4000", "4000"]


# The event


def test_mistakes_in_the_settings_are_said_with_their_line(site):
    edit(site.folder, "one_day", "one_night")

    found = doctor.settings(site)

    assert found.state == "mend" and found.said.startswith("event.toml:") and "one_night" in found.said


def test_an_event_that_is_over_is_noticed(site):
    assert doctor.settings(Site(site.at + timedelta(days=9), site.folder)).state == "warn"


def test_a_database_is_looked_at_and_left_as_it_is(event_folder, site):
    assert doctor.database(site).state == "warn"  # the port was edited: serving takes it over
    (event_folder.path / "event.db").unlink()

    found = doctor.database(site)

    assert found.state == "mend" and not (event_folder.path / "event.db").exists()


def test_a_database_without_an_event_is_to_be_mended(event_folder, site):
    for path in event_folder.path.glob("event.db*"):
        path.unlink()
    database = open_database(event_folder.database)
    database.upgrade()
    database.close()

    assert doctor.database(site).state == "mend"


# What was installed


def test_what_was_installed_is_as_it_was_released():
    assert intact.damaged_notebooks() == []
    assert intact.damaged_weights() == []


def test_a_changed_cell_is_found(release, workspace, monkeypatch, tmp_path):
    assert intact.damaged_notebooks() == []
    path = tmp_path / "release" / "exercises" / "part1_small" / "01_first.ipynb"
    path.write_text(path.read_text().replace("Twice x.", "Thrice x."))

    (found,) = intact.damaged_notebooks()

    assert "01_first.ipynb: cell 7 is not as it was released" in found


def test_a_missing_and_a_damaged_weight_are_found(tmp_path):
    sha = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"  # of "hello"
    files = {name: {"sha256": sha, "bytes": 5} for name in ("whole", "changed", "missing")}
    (tmp_path / "m.json").write_text(json.dumps({"files": files}))
    (tmp_path / "n.json").write_text("{")
    (tmp_path / "whole").write_text("hello")
    (tmp_path / "changed").write_text("hullo")

    assert intact.damaged_weights(tmp_path) == ["changed is damaged", "missing is missing", "n.json cannot be read"]


def test_an_empty_folder_of_weights_is_no_zoo(tmp_path):
    assert intact.damaged_weights(tmp_path) == [f"{tmp_path} holds no model"]


def test_challenges_without_their_instances_are_to_be_made_before_the_event(event_folder, site):
    offered = 'challenges = ["hidden_rule", "key_frequencies", "trojan", "circuit_hunt", "causal_subspace"]'
    found = doctor.challenges(site)

    assert found.state == "mend" and "hidden_rule" in found.said and "hookpoint host challenges" in found.do
    edit(event_folder, offered, "challenges = []")
    assert doctor.challenges(Site(site.at, event_folder)).state == "ok"
