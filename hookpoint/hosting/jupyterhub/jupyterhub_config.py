"""JupyterHub for an event or a class: sign in, and the course's first notebook opens. Start it with `jupyterhub`.

`hookpoint host jupyterhub` wrote this folder. Change what stands in capitals; the rest follows.
hookpoint/docs/jupyterhub.md says what this protects against, and what not.
"""

import os
import sys
from pathlib import Path

from hookpoint.errors import HookpointError
from hookpoint.hosting.jupyterhub import box, signing_in, spawning

EVENT = ""  # the event server as this machine reaches it; empty: there is no event, all sign in with password.txt
ADDRESS = "127.0.0.1"  # "0.0.0.0": everybody in the room reaches it; this machine alone as it is
PORT = 8080
INNER_PORTS = 8081, 8001  # of this machine alone: the hub's own, and the proxy's
BOX = True  # each person's server sees their own folder alone
ROOT = False  # may this hub run as root? In a container where everyone is root
MOST_SERVERS = 40  # at the same time; each takes 140 MB, and every open notebook with torch 210 MB more
IDLE_MINUTES = 60  # after so long without anybody, a server ends; what was saved stays

HERE = Path(__file__).resolve().parent
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])  # for the proxy

try:
    box.demand(__file__, BOX, ROOT)
except HookpointError as error:
    sys.exit(str(error))

c = get_config()
c.JupyterHub.bind_url = f"http://{ADDRESS}:{PORT}"
c.JupyterHub.hub_ip, c.JupyterHub.hub_port = "127.0.0.1", INNER_PORTS[0]
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{INNER_PORTS[1]}"
c.ConfigurableHTTPProxy.pid_file = str(HERE / "state" / "proxy.pid")
c.JupyterHub.db_url = f"sqlite:///{HERE / 'state' / 'hub.sqlite'}"
c.JupyterHub.cookie_secret_file = str(HERE / "state" / "cookie_secret")
c.CryptKeeper.keys = [(HERE / "state" / "tokens.key").read_text().strip()]

c.Authenticator.allow_all = True  # who has a token, or the password
c.Authenticator.username_pattern = r"[a-z0-9][a-z0-9_-]{0,39}"  # a name is a folder's too
if EVENT:
    c.JupyterHub.authenticator_class = signing_in.EventAuthenticator
    c.EventAuthenticator.event = EVENT
    c.Authenticator.enable_auth_state = True
    c.Authenticator.refresh_pre_spawn = True
else:
    c.JupyterHub.authenticator_class = "shared-password"
    c.SharedPasswordAuthenticator.user_password = (HERE / "state" / "password.txt").read_text().strip()

c.JupyterHub.spawner_class = spawning.WorkspaceSpawner
c.WorkspaceSpawner.people = str(HERE / "people")
c.WorkspaceSpawner.settings = str(HERE / "jupyter")
c.WorkspaceSpawner.box = BOX
c.Spawner.environment = {"OMP_NUM_THREADS": "1"}  # else everybody's torch takes all cores at once
c.Spawner.args = [f"--ServerApp.shutdown_no_activity_timeout={60 * IDLE_MINUTES}",
                  f"--MappingKernelManager.cull_idle_timeout={60 * IDLE_MINUTES}"]  # fmt: skip
c.Spawner.start_timeout = c.Spawner.http_timeout = 120  # forty first starts at once, on one disk
c.LocalProcessSpawner.interrupt_timeout = c.LocalProcessSpawner.term_timeout = 5
c.JupyterHub.active_server_limit = MOST_SERVERS
c.JupyterHub.concurrent_spawn_limit = 10
c.JupyterHub.cleanup_servers = True
