PYTHON ?= python3
VENV ?= .venv

.PHONY: start test

# Installs what a learner needs and opens the notebooks with the companion app beside them.
start: $(VENV)/.learn
	$(VENV)/bin/hookpoint start

# Installs what an author needs and runs every test.
test: $(VENV)/.dev
	$(VENV)/bin/python -m pytest -n 2 --dist loadfile

$(VENV)/.%: pyproject.toml
	test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --editable ".[$*]"
	touch $@
