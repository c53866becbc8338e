PYTHON ?= python3
VENV ?= .venv

.PHONY: start test

# Installs what a learner needs and opens the notebooks with the companion app beside them.
start: $(VENV)/.learn
	$(VENV)/bin/hookpoint start

# Installs what an author needs and runs every test.
test: $(VENV)/.dev
	$(VENV)/bin/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; (3, 11) <= v <= (3, 13) or sys.exit("hookpoint needs Python 3.11 to 3.13; this is %d.%d. Name another one: make start PYTHON=python3.12" % v)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.%: pyproject.toml | $(VENV)/bin/python
	$(VENV)/bin/python -m pip install --quiet --editable ".[$*]"
	touch $@
