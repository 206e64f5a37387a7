#!/usr/bin/env bash
# `rclone serve s3` over a directory: a service that ignores conditions and answers ranges in a way of its own.
set -euo pipefail
# shellcheck source=scripts/servers/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

install() { install_python test; }

start() {
    make_keys
    local port
    port=$(free_ports 1)
    mkdir -p "$dir/data" "$dir/cache"
    : >"$dir/rclone.conf"
    begin rclone "$root/.venv/bin/rclone" serve s3 --config "$dir/rclone.conf" --cache-dir "$dir/cache" \
        --addr "127.0.0.1:$port" --auth-key "$key_id,$secret" --vfs-cache-mode off --dir-cache-time 1s \
        --poll-interval 0 --rc --rc-addr "unix://$dir/rc.sock" --rc-no-auth "$dir/data"
    wait_http "$(cat "$dir/rclone.pid")" "$port" || return 1
    write_env "$port" "rclone serve s3 $("$root/.venv/bin/rclone" version | sed -n '1s/rclone v//p')"
}

stop() { end rclone; }

run_command start stop install "$@"
