"""JupyterHub for hosts who provide the machine: everyone gets the course's notebooks in a browser, nothing to install.

`recipe` writes a folder that `jupyterhub` starts from; `jupyterhub_config.py` is what lies there. Who may sign in is
`signing_in`'s, what they then get is `spawning`'s. Those two import JupyterHub; `recipe` does not.
"""

__all__: list[str] = []
