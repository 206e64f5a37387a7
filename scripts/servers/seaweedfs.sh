#!/usr/bin/env bash
# A SeaweedFS S3 server of one's own, on loopback and free ports, with fresh keys.
#
#   scripts/servers/seaweedfs.sh install      what scripts/setup.sh installs
#   scripts/servers/seaweedfs.sh start DIR    starts it, and returns once it can store an object
#   scripts/servers/seaweedfs.sh stop DIR     stops it; DIR stays, and a later start finds the data again
#
# DIR receives: data/, s3.json (the keys), weed.log and more logs, weed.pid, weed.ports, and env, to be read by
# `set -a; . DIR/env`: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION and AWS_ENDPOINT_URL.
# WEED names another weed than .venv/bin/weed.
set -euo pipefail

usage() {
    sed -n '2,10s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 64
}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
if [ "$*" = install ]; then exec "$root/scripts/setup.sh"; fi
[ $# -eq 2 ] || usage
command=$1
weed=$(realpath -- "${WEED:-$root/.venv/bin/weed}")
python=$root/.venv/bin/python
[ -x "$python" ] || python=python3
attempts=3

fail() {
    printf 'seaweedfs: %s\n' "$*" >&2
    exit 1
}

# The pid of our server, if it runs. A pid that meanwhile belongs to another program does not count.
running() {
    local pid
    pid=$(cat "$dir/weed.pid" 2>/dev/null) && [ "$(readlink "/proc/$pid/exe" 2>/dev/null)" = "$weed" ] && echo "$pid"
}

# Eight different free ports of loopback. Another process may still take one before weed does: hence the attempts.
free_ports() {
    "$python" - <<'PYTHON'
import socket

sockets = [socket.socket() for _ in range(8)]
for each in sockets:
    each.bind(("127.0.0.1", 0))
print(*(each.getsockname()[1] for each in sockets))
PYTHON
}

write_keys() {
    [ -e s3.json ] && return
    "$python" - <<'PYTHON'
import json, secrets

keys = {"accessKey": secrets.token_hex(10).upper(), "secretKey": secrets.token_hex(20)}
actions = ["Admin", "Read", "Write", "List", "Tagging"]
with open("s3.json", "w") as file:
    json.dump({"identities": [{"name": "local", "credentials": [keys], "actions": actions}]}, file)
PYTHON
}

write_env() {
    "$python" - "$1" >"env" <<'PYTHON'
import json, sys

with open("s3.json") as file:
    keys = json.load(file)["identities"][0]["credentials"][0]
print("AWS_ACCESS_KEY_ID=" + keys["accessKey"])
print("AWS_SECRET_ACCESS_KEY=" + keys["secretKey"])
print("AWS_REGION=us-east-1")
print("AWS_ENDPOINT_URL=http://127.0.0.1:" + sys.argv[1])
PYTHON
}

# wait_ready PID S3PORT MASTERPORT: the gateway answers before a volume can be written, so the master is asked as well.
wait_ready() {
    "$python" - "$@" <<'PYTHON'
import sys, time, urllib.error, urllib.request

pid, s3_port, master_port = sys.argv[1:]


def alive():
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def answers(port, path, check):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return check(answer.status, answer.read())
    except urllib.error.HTTPError as error:
        return check(error.code, b"")
    except OSError:
        return False


deadline = time.monotonic() + 120
while time.monotonic() < deadline:
    if not alive():
        sys.exit(1)
    if answers(s3_port, "/", lambda status, _: status < 500) and answers(
        master_port, "/dir/assign", lambda _, body: b'"fid"' in body
    ):
        sys.exit(0)
    time.sleep(0.1)
sys.exit("seaweedfs: not ready after 120 s")
PYTHON
}

start() {
    umask 077
    mkdir -p "$dir/data"
    cd "$dir"
    if running >/dev/null; then fail "runs already in $dir (pid $(running))"; fi
    write_keys
    local attempt ports
    for ((attempt = 1; attempt <= attempts; attempt++)); do
        read -ra ports <<<"$(free_ports)"
        echo "${ports[@]}" >weed.ports
        # setsid: Ctrl-C ends the script that uses the server, which then stops it in its own order.
        setsid env -u AWS_ACCESS_KEY_ID -u AWS_SECRET_ACCESS_KEY "$weed" -logdir="$dir" mini \
            -dir="$dir/data" -ip=127.0.0.1 -ip.bind=127.0.0.1 \
            -s3.config="$dir/s3.json" -s3.autoCreateBucket=false -s3.port.iceberg=0 -s3.port.lance=0 \
            -s3.port="${ports[0]}" -s3.port.grpc="${ports[1]}" \
            -master.port="${ports[2]}" -master.port.grpc="${ports[3]}" \
            -volume.port="${ports[4]}" -volume.port.grpc="${ports[5]}" \
            -filer.port="${ports[6]}" -filer.port.grpc="${ports[7]}" \
            -webdav=false -admin.ui=false >weed.log 2>&1 </dev/null &
        echo $! >weed.pid
        if wait_ready "$!" "${ports[0]}" "${ports[2]}"; then
            write_env "${ports[0]}"
            return
        fi
        stop
    done
    tail -n 20 weed.log >&2
    fail "did not start in $attempts attempts; the end of $dir/weed.log is above"
}

stop() {
    local pid deadline=$((SECONDS + 20))
    if pid=$(running); then
        kill -TERM "$pid"
        while running >/dev/null && ((SECONDS < deadline)); do sleep 0.1; done
        if running >/dev/null; then kill -KILL "$pid"; fi
    fi
    # It leaves its sockets behind, named by its ports, where no option can put them elsewhere.
    local port ports=()
    if [ -e "$dir/weed.ports" ]; then read -ra ports <"$dir/weed.ports"; fi
    for port in "${ports[@]}"; do rm -f "/tmp/seaweedfs-"*"-$port.sock"; done
    rm -f "$dir/weed.pid" "$dir/weed.ports"
}

dir=$(realpath -m -- "$2")
case $command in
start) start ;;
stop) stop ;;
*) usage ;;
esac
