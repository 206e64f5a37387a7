# shellcheck shell=bash
# What the scripts of the servers share; to be read by them, with `dir` set to their directory.
#
# Each is used so:  NAME.sh install          what it needs, said as it is installed
#                   NAME.sh start DIR        returns once it answers; DIR/env has the keys and the endpoint
#                   NAME.sh stop DIR         by the pids that DIR holds

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
python=$root/.venv/bin/python
[ -x "$python" ] || python=python3

say() { printf '%s   %s\n' "$(basename "$0" .sh)" "$*"; }
fail() {
    printf '%s   %s\n' "$(basename "$0" .sh)" "$*" >&2
    exit 1
}

# install_debian PACKAGE...: those that are missing, without starting any service that they bring.
install_debian() {
    local package missing=() guard=/usr/sbin/policy-rc.d made=
    for package in "$@"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
    done
    if [ ${#missing[@]} -eq 0 ]; then
        say "Debian packages: all $# are there"
        return
    fi
    [ "$(id -u)" -eq 0 ] || fail "run this as root, then again:  apt-get install ${missing[*]}"
    say "Debian packages: installing ${missing[*]}"
    if [ ! -e "$guard" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$guard"
        chmod 755 "$guard"
        made=1
    fi
    apt-get -q update >/dev/null
    DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends --no-remove "${missing[@]}" >/dev/null
    [ -z "$made" ] || rm -f "$guard"
}

# install_python NAME: scripts/requirements-NAME.txt into .venv.
install_python() {
    say "Python packages ($1): $(sed -e 's/ *#.*//' -e '/^$/d' "$root/scripts/requirements-$1.txt" | paste -sd ' ') into .venv"
    "$python" -m pip install --quiet --disable-pip-version-check --only-binary :all: \
        --requirement "$root/scripts/requirements-$1.txt"
}

# free_ports COUNT: so many different free ports of loopback.
free_ports() {
    "$python" -c '
import socket, sys
sockets = [socket.socket() for _ in range(int(sys.argv[1]))]
for each in sockets:
    each.bind(("127.0.0.1", 0))
print(*(each.getsockname()[1] for each in sockets))' "$1"
}

# wait_http PID PORT: until it answers anything but an error of its own.
wait_http() {
    local deadline=$((SECONDS + 120)) code
    while ((SECONDS < deadline)); do
        kill -0 "$1" 2>/dev/null || return 1
        code=$("$python" -c '
import http.client, sys
try:
    connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=5)
    connection.request("GET", "/")
    print(connection.getresponse().status)
except OSError:
    print(0)' "$2")
        case $code in 0 | 500 | 503) sleep 0.2 ;; *) return 0 ;; esac
    done
    return 1
}

# begin NAME COMMAND...: a process of ours, its pid in DIR/NAME.pid and its output in DIR/NAME.log.
begin() {
    local name=$1
    shift
    setsid "$@" >"$dir/$name.log" 2>&1 </dev/null &
    echo $! >"$dir/$name.pid"
}

# end NAME: orderly, or after ten seconds at once.
end() {
    local pid deadline=$((SECONDS + 10))
    pid=$(cat "$dir/$1.pid" 2>/dev/null) || return 0
    kill -TERM "$pid" 2>/dev/null || true
    while kill -0 "$pid" 2>/dev/null && ((SECONDS < deadline)); do sleep 0.1; done
    kill -KILL "$pid" 2>/dev/null || true
    rm -f "$dir/$1.pid"
}

# make_keys [ACCESS]: keys of this server alone, in key_id and secret.
make_keys() {
    key_id=${1:-$("$python" -c 'import secrets; print(secrets.token_hex(10).upper())')}
    secret=$("$python" -c 'import secrets; print(secrets.token_hex(20))')
}

# write_env PORT VERSION
write_env() {
    cat >"$dir/env" <<ENV
AWS_ACCESS_KEY_ID=$key_id
AWS_SECRET_ACCESS_KEY=$secret
AWS_REGION=us-east-1
AWS_ENDPOINT_URL=http://127.0.0.1:$1
SERVER_VERSION='$2'
ENV
}

# run_command START_FUNCTION STOP_FUNCTION INSTALL_FUNCTION "$@"
run_command() {
    local start=$1 stop=$2 install=$3
    shift 3
    case "${1:-}:$#" in
    install:1) "$install" ;;
    start:2 | stop:2)
        dir=$(realpath -m -- "$2")
        umask 077
        mkdir -p "$dir"
        if [ "$1" = stop ]; then
            "$stop"
        else
            "$start" || {
                tail -n 20 "$dir"/*.log >&2
                "$stop"
                fail "did not start; the ends of its logs are above"
            }
        fi
        ;;
    *) fail "say install, start DIR or stop DIR" ;;
    esac
}
