#!/bin/sh
# Makes .venv and installs everything into it: make_venv.sh BIN [PYTHON]. Called by the Makefile.
set -eu

bin=$1
wanted=${2:-}

usable() {
    "$1" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    for candidate in ${wanted:+"$wanted"} python3.11 python3.12 python3.13 python3.14 python3 python; do
        if usable "$candidate"; then
            printf '%s\n' "$candidate"
            return
        fi
        if [ "$candidate" = "$wanted" ]; then
            echo "PYTHON=$wanted is not usable: it must be Python 3.11 or newer, with venv and ensurepip." >&2
            return 1
        fi
    done
    echo "No usable Python found: python3.11, python3.12, python3.13, python3.14, python3 and python were tried." >&2
    echo "It must be Python 3.11 or newer, with venv and ensurepip (on Debian: apt-get install python3-venv)." >&2
    echo "If it is elsewhere, name it: make demo PYTHON=/path/to/python3.12" >&2
    return 1
}

if ! usable "$bin/python"; then
    python=$(find_python)
    echo "Making .venv with $("$python" --version)"
    "$python" -m venv --clear .venv
fi

echo "Installing into .venv (a minute or two the first time)"
export PIP_DISABLE_PIP_VERSION_CHECK=1
"$bin/python" -m pip install --quiet --requirement requirements.lock
"$bin/python" -m pip install --quiet --no-deps --no-build-isolation --editable .
