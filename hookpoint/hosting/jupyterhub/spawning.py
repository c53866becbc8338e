"""What somebody gets who signed in: a folder with the course's notebooks, and a JupyterLab that opens the first one."""

import asyncio
import os
import sys
from pathlib import Path
from urllib.parse import quote

from jupyterhub.spawner import SimpleLocalProcessSpawner
from traitlets import Bool, Unicode

from hookpoint.content.course import course
from hookpoint.content.workspace import create

from .box import boxed

__all__ = ["WorkspaceSpawner"]

QUIET = ("--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate", "--LabApp.news_url=")


class WorkspaceSpawner(SimpleLocalProcessSpawner):
    """Starts a person's server as a process of the hub's own Unix user, in a box unless that is switched off.

    A notebook that is there already is never overwritten, so what people did is there again after a restart.
    """

    people = Unicode(config=True, help="The folder that holds a folder for each person.")
    settings = Unicode(config=True, help="A folder of Jupyter's configuration that every server reads first.")
    box = Bool(True, config=True, help="Show a server its person's folder alone.")

    @property
    def workspace(self) -> Path:
        return Path(self.people, self.user.name, "workspace")

    async def start(self) -> tuple[str, int]:
        self.home_dir, self.notebook_dir = str(self.workspace.parent), str(self.workspace)
        await asyncio.to_thread(create, self.workspace)  # on a disk that forty people use it may take a moment
        self.default_url = f"/lab/tree/{quote(str(course().notebooks[0].file))}"
        self.cmd = [*self.wrapping(), sys.executable, "-m", "jupyterhub.singleuser"]
        return await super().start()

    def wrapping(self) -> list[str]:
        return boxed(Path(self.home_dir), [Path(self.settings)]) if self.box else []

    def get_args(self) -> list[str]:
        root = not self.box and os.geteuid() == 0
        return [*super().get_args(), *QUIET, *(["--allow-root"] if root else [])]

    def user_env(self, env: dict[str, str]) -> dict[str, str]:
        """Their own home; and `hookpoint` is found in a terminal however the hub was started."""
        env = super().user_env(env)
        search = [str(Path(sys.executable).parent), env.get("PATH", "/usr/bin:/bin")]
        course = {name: os.environ[name] for name in ("HOOKPOINT_COURSE",) if name in os.environ}
        return env | course | {"PATH": os.pathsep.join(search), "JUPYTER_CONFIG_PATH": self.settings}
