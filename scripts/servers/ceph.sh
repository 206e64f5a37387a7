#!/usr/bin/env bash
# Ceph's object gateway as a cluster of one, on loopback: one monitor, one store in memory, radosgw. Nothing is kept when
# it stops. Without cephx the monitor must be spoken to in crc mode, or the gateway waits for ever.
set -euo pipefail
# shellcheck source=scripts/servers/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

install() { install_debian ceph-mon ceph-osd radosgw ceph-common; }

configuration() {
    cat <<CONF
[global]
fsid = $fsid
mon host = v2:127.0.0.1:$2/0
auth cluster required = none
auth service required = none
auth client required = none
ms mon client mode = crc
ms client mode = crc
ms mon cluster mode = crc
ms mon service mode = crc
public addr = 127.0.0.1
cluster addr = 127.0.0.1
run dir = $dir/run
admin socket = $dir/run/\$name.asok
log file = $dir/ceph-\$name.log
crash dir = $dir
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pgp num = 8
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon max pg per osd = 1000
mon allow pool size one = true
mon pg warn min per osd = 0
mon data avail crit = 1
[mon.a]
mon data = $dir/mon
mon initial members = a
[osd.0]
osd data = $dir/osd
osd objectstore = memstore
memstore device bytes = 4294967296
osd op num shards = 1
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:$1
rgw thread pool size = 32
rgw enable usage log = false
rgw dns name = localhost
rgw crypt require ssl = false
CONF
}

# until_said WORDS COMMAND...: until the command says these words.
until_said() {
    local words=$1 deadline=$((SECONDS + 60))
    shift
    while ((SECONDS < deadline)); do
        if timeout 5 "$@" 2>/dev/null | grep -q "$words"; then return 0; fi
        sleep 0.2
    done
    return 1
}

start() {
    make_keys
    local http monitor fsid uuid
    read -r http monitor <<<"$(free_ports 2)"
    fsid=$(cat /proc/sys/kernel/random/uuid)
    uuid=$(cat /proc/sys/kernel/random/uuid)
    rm -rf "$dir/mon" "$dir/osd"
    mkdir -p "$dir/mon" "$dir/osd" "$dir/run"
    export CEPH_CONF=$dir/ceph.conf
    configuration "$http" "$monitor" >"$CEPH_CONF"
    {
        monmaptool --create --fsid "$fsid" --addv a "[v2:127.0.0.1:$monitor]" --clobber "$dir/monmap"
        ceph-mon -c "$CEPH_CONF" --mkfs -i a --monmap "$dir/monmap"
    } >"$dir/setup.log" 2>&1 || return 1
    begin mon ceph-mon -c "$CEPH_CONF" -i a -f
    until_said quorum ceph -c "$CEPH_CONF" --connect-timeout 2 mon stat || return 1
    {
        timeout 10 ceph -c "$CEPH_CONF" osd new "$uuid"
        ceph-osd -c "$CEPH_CONF" -i 0 --mkfs --osd-uuid "$uuid"
    } >>"$dir/setup.log" 2>&1 || return 1
    begin osd ceph-osd -c "$CEPH_CONF" -i 0 -f
    until_said '1 up' ceph -c "$CEPH_CONF" osd stat || return 1
    timeout 60 radosgw-admin -c "$CEPH_CONF" -n client.rgw user create --uid=test --display-name=test \
        --access-key="$key_id" --secret-key="$secret" >>"$dir/setup.log" 2>&1 || return 1
    begin rgw radosgw -c "$CEPH_CONF" -n client.rgw -f
    wait_http "$(cat "$dir/rgw.pid")" "$http" || return 1
    write_env "$http" "Ceph RGW $(radosgw --version | sed -n 's/^ceph version \([0-9.]*\).*/\1/p')"
}

stop() {
    end rgw
    end osd
    end mon
}

run_command start stop install "$@"
