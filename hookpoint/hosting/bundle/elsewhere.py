"""pip as it chooses on another machine: `python elsewhere.py ENVIRONMENT PIP_ARGUMENTS...`, with the former as JSON.

pip has options for another machine's wheels, but reads the conditions of requirements (`sys_platform == "win32"`) for
the machine that it runs on. So what answers these is replaced, in this process alone.
"""

import json
import sys


def main() -> int:
    from pip._vendor.packaging import markers

    environment = json.loads(sys.argv[1])
    if not callable(getattr(markers, "default_environment", None)):
        sys.stderr.write("ERROR: this pip cannot choose for another machine: install pip 23 to 26\n")
        return 1
    markers.default_environment = lambda: dict(environment)
    from pip._internal.cli.main import main as pip

    return pip(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
