# make run   set up, load the demo, serve on http://127.0.0.1:8000 (PORT=… for another port)
# make test  set up and pass the tests; needs no server
PORT ?= 8000
PYTHON ?= python3
PY := .venv/bin/python

.PHONY: run test lint messages clean

.venv/ready: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; name one with PYTHON=…"; exit 1; }
	@test -x $(PY) || $(PYTHON) -m venv .venv
	@echo "installing the locked dependencies …"
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

.venv/messages: .venv/ready $(wildcard */locale/*/LC_MESSAGES/*.po)
	@$(PY) -m marketplace.translations
	@touch $@

run: .venv/messages
	@$(PY) manage.py migrate --verbosity 0
	@$(PY) manage.py demo --if-empty
	@$(PY) manage.py load_rules
	@$(PY) manage.py serve --port $(PORT)

test: .venv/messages
	@$(PY) -m pytest -n auto --dist worksteal -m "not browser and not services and not bench" $(ARGS)

lint: .venv/messages
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy .
	.venv/bin/lint-imports
	$(PY) manage.py makemigrations --check --dry-run
	$(PY) manage.py check --fail-level WARNING

messages: .venv/messages
	@for app in marketplace agencies projects livestream; do \
	  (cd $$app && DJANGO_SETTINGS_MODULE=marketplace.settings PYTHONPATH=.. ../.venv/bin/django-admin makemessages -l zh_Hans --no-wrap --no-location -v0) || exit 1; \
	done
	@$(PY) -m marketplace.translations

clean:
	rm -rf .venv var .pytest_cache .mypy_cache .ruff_cache .hypothesis
