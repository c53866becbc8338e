"""How the app is started."""

import subprocess
import sys
import tomllib
from pathlib import Path

from hookpoint.app import launch

ROOT = Path(__file__).resolve().parents[3]


def flat(table: dict, prefix: str = "") -> dict:
    pairs = [(f"{prefix}{name}", value) for name, value in table.items()]
    return {
        k: v
        for name, value in pairs
        for k, v in (flat(value, f"{name}.") if isinstance(value, dict) else {name: value}).items()
    }


def test_a_bare_streamlit_run_in_a_checkout_has_the_same_settings():
    config = tomllib.loads((ROOT / ".streamlit/config.toml").read_text())

    assert flat(config) == launch.SETTINGS


def test_streamlit_knows_every_setting():
    from streamlit import config

    assert set(launch.SETTINGS) <= set(config.get_config_options())


def test_the_command_serves_this_machine_only_and_reports_to_nobody():
    command = launch.command(8765)

    assert command[:4] == [sys.executable, "-m", "streamlit", "run"] and Path(command[4]).exists()
    assert {"--server.address=127.0.0.1", "--browser.gatherUsageStats=false", "--server.port=8765"} <= set(command)


def test_no_pages_folder_lies_beside_a_script_that_streamlit_runs():
    assert not any((script.parent / "pages").exists() for script in (ROOT / "app.py", launch.SCRIPT))


def test_drawing_both_pages_imports_neither_torch_nor_a_plotting_library(learner):
    code = (
        "import sys; from streamlit.testing.v1 import AppTest\n"
        f"app = AppTest.from_file({str(ROOT / 'app.py')!r}, default_timeout=20).run()\n"
        "assert app.header[0].value.startswith('Next')\n"
        "app.switch_page('hookpoint/app/pages/notebooks.py').run()\n"
        "assert not app.exception; print(sorted({'torch', 'matplotlib', 'transformers'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
