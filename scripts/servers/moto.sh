#!/usr/bin/env bash
# moto, a stand-in for AWS in memory: it takes any signature and checks no digest, so it proves nothing about these.
set -euo pipefail
# shellcheck source=scripts/servers/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

install() { install_python servers; }

start() {
    make_keys
    local port
    port=$(free_ports 1)
    begin moto "$root/.venv/bin/moto_server" -H 127.0.0.1 -p "$port"
    wait_http "$(cat "$dir/moto.pid")" "$port" || return 1
    write_env "$port" "moto $("$python" -c 'import importlib.metadata; print(importlib.metadata.version("moto"))')"
}

stop() { end moto; }

run_command start stop install "$@"
