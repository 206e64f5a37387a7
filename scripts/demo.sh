#!/usr/bin/env bash
# What syncd does, shown on a sample folder and a local S3 server. Leaves nothing behind.
#
#   scripts/demo.sh SYNCD    SYNCD is the binary, such as .build/debug/syncd
#
# KEEP=1 keeps the folders to look at. It fails when syncd does not do what the text says.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
syncd=$(realpath -- "${1:-$root/.build/debug/syncd}")
python=$root/.venv/bin/python
[ -x "$syncd" ] || {
    echo "demo: $syncd is not there: make build" >&2
    exit 1
}

work=$(mktemp -d "${TMPDIR:-/tmp}/syncd-demo.XXXXXX")
finish() {
    local code=$?
    trap - EXIT
    "$root/scripts/servers/seaweedfs.sh" stop "$work/server"
    if [ "$code" -ne 0 ]; then printf '\ndemo: failed, exit code %s\n' "$code" >&2; fi
    if [ -n "${KEEP:-}" ]; then echo "Kept: $work"; else rm -rf "$work"; fi
    exit "$code"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
cd "$work"

step() { printf '\n── %s\n\n' "$*"; }
say() { printf '%s\n' "$@"; }
fail() {
    printf 'demo: %s\n' "$*" >&2
    exit 1
}

# run CODE COMMAND: shows the command line and runs it; any other exit code ends the demo.
run() {
    local code=0
    printf '\n$ %s\n' "$2"
    eval "$2" || code=$?
    [ "$code" -eq "$1" ] || fail "exit code $code, not $1: $2"
}

syncd() { "$syncd" "$@"; }

# configure NAME DIRECTION: writes NAME.json for the folder NAME.
configure() {
    "$python" - "$1" "$2" "$AWS_ENDPOINT_URL" "$work" >"$1.json" <<'PYTHON'
import json, sys

name, direction, endpoint, work = sys.argv[1:]
folder = {"name": name, "path": f"{work}/{name}", "bucket": "demo", "prefix": "photos/", "direction": direction}
folder |= {"delete": True, "exclude": ["*.tmp"]}
config = {"connection": {"endpoint": endpoint}, "stateDirectory": f"{work}/state-{name}", "folders": [folder]}
print(json.dumps(config, indent=2))
PYTHON
}

# The requests that the last cycle of the folder NAME sent, such as LIST=1. `status --json` has them.
requests() {
    syncd status --config "$1.json" --json | "$python" -c '
import json, sys

requests = json.load(sys.stdin)["folders"][0]["lastCycle"]["requests"]
print(*(f"{name}={count}" for name, count in requests.items() if count))'
}

# Path, size, mode and modification time of each file below a folder, but for what is excluded and syncd's own.
facts() { (cd "$1" && find . -path './.syncd*' -prune -o -type f ! -name '*.tmp' -printf '%P  %s bytes  %m  %T@\n' | LC_ALL=C sort); }

make_sample() {
    mkdir -p photos/2024/lake photos/2025 photos/albums
    printf 'lake by night\n' >photos/2024/lake/night.txt
    head -c 300000 /dev/urandom >photos/2024/lake/IMG_0001.jpg
    head -c 250000 /dev/urandom >photos/2024/lake/IMG_0002.jpg
    head -c 180000 /dev/urandom >photos/2024/IMG_0017.jpg
    head -c 120000 /dev/urandom >photos/2025/IMG_0103.jpg
    head -c 90000 /dev/urandom >'photos/2025/Łódź at noon.jpg'
    printf 'IMG_0001\nIMG_0103\n' >photos/albums/best.txt
    printf 'IMG_0017\n' >photos/albums/family.txt
    : >photos/albums/empty.txt
    chmod 640 photos/albums/family.txt
    find photos -type f -exec touch -d '2024-07-20 18:30:05.123456789' {} +
    printf 'half a picture\n' >photos/2025/IMG_0104.tmp
}

say "syncd keeps a local folder and a prefix of an S3 bucket the same. This shows it on a sample folder," \
    "with a server that runs on this machine only. The commands are real: they are what you would type."

step "1. A server, a bucket, a folder"
"$root/scripts/servers/seaweedfs.sh" start "$work/server"
set -a
# shellcheck source=/dev/null
. "$work/server/env"
set +a
# What else the environment may hold of another service, or of a proxy, is not for this server.
unset AWS_SESSION_TOKEN AWS_PROFILE AWS_DEFAULT_REGION AWS_ENDPOINT_URL_S3
export NO_PROXY=127.0.0.1 no_proxy=127.0.0.1
"$python" "$root/scripts/make-bucket.py" demo
make_sample
configure photos up
say "SeaweedFS answers on $AWS_ENDPOINT_URL and has an empty bucket, demo." \
    "syncd takes the keys from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the rest from its configuration." \
    "\"up\" means that the folder leads and the bucket follows. \"delete\" lets deletes travel too."
run 0 "cat photos.json"
run 0 "find photos -type f"

step "2. Look first, then sync"
say "plan shows what a cycle would do, and does none of it. Exit code 2 says: there is something to do."
run 2 "syncd plan --config photos.json"
say "" "--once runs one cycle. IMG_0104.tmp stays here: *.tmp is excluded."
run 0 "syncd --once --config photos.json"
run 0 "syncd status --config photos.json"

step "3. Edit, add, delete"
say "Only what changed is sent. What is deleted here is deleted there, after all uploads."
run 0 'echo IMG_0002 >> photos/albums/best.txt'
run 0 'echo IMG_0001 > photos/albums/print.txt'
run 0 "rm photos/2024/IMG_0017.jpg"
run 2 "syncd plan --config photos.json"
run 0 "syncd --once --config photos.json"
say "" "Its requests: $(requests photos)"

step "4. Nothing to do"
say "The third cycle walks the folder, lists the bucket, and that is all."
run 0 "syncd --once --config photos.json"
sent=$(requests photos)
say "" "Its requests: $sent"
[[ $sent =~ ^LIST=[0-9]+$ ]] || fail "a cycle with nothing to do sent $sent"

step "5. The other way"
say "Another folder, perhaps on another machine, with \"direction\": \"down\": here the bucket leads." \
    "syncd never makes the root of a folder itself: a disk that is not mounted must not look like an empty one."
run 0 "mkdir copy"
configure copy down
run 0 "syncd --once --config copy.json"
run 0 "syncd status --config copy.json"

step "6. Are they the same?"
say "Names and contents, but for what is excluded; then size, mode and time of each file, to the nanosecond."
run 0 "diff -r -x '*.tmp' -x '.syncd*' photos copy"
facts photos >photos.facts
facts copy >copy.facts
run 0 "diff photos.facts copy.facts"
run 0 "cat copy.facts"

say "" "They are. The server is stopped now, and the sample folders are removed." \
    "README.md goes on from here."
