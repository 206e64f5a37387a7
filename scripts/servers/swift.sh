#!/usr/bin/env bash
# OpenStack Swift with its S3 middleware, one node and one replica, on loopback: the strictest judge of signatures. Its data
# must lie on a file system with extended attributes. It wants to be root: /etc/swift/swift.conf has a fixed place.
set -euo pipefail
# shellcheck source=scripts/servers/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

install() { install_debian swift-proxy swift-account swift-container swift-object memcached; }

account_server() {
    cat <<CONF
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = $2
devices = $dir/devices
mount_check = false
user = root
workers = 1
swift_dir = $dir/conf
log_address = /dev/null
recon_cache_path = $dir/cache
fallocate_reserve = 0
[pipeline:main]
pipeline = $1-server
[app:$1-server]
use = egg:swift#$1
CONF
}

proxy_server() {
    local filter
    cat <<CONF
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = $1
user = root
workers = 1
swift_dir = $dir/conf
log_address = /dev/null
[pipeline:main]
pipeline = catch_errors gatekeeper cache listing_formats bulk s3api tempauth slo dlo versioned_writes symlink proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = $secret .admin
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
dns_compliant_bucket_names = false
check_bucket_owner = false
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:$2
[filter:versioned_writes]
use = egg:swift#versioned_writes
allow_object_versioning = true
allow_versioned_writes = true
CONF
    for filter in catch_errors gatekeeper listing_formats bulk slo dlo symlink; do
        printf '[filter:%s]\nuse = egg:swift#%s\n' "$filter" "$filter"
    done
}

start() {
    make_keys test:tester
    local ports kind index=1
    read -ra ports <<<"$(free_ports 5)"
    mkdir -p "$dir/devices/d1" "$dir/conf" "$dir/cache" /etc/swift
    printf '[swift-hash]\nswift_hash_path_prefix = p\nswift_hash_path_suffix = s\n' >/etc/swift/swift.conf
    for kind in account container object; do
        account_server "$kind" "${ports[index]}" >"$dir/conf/$kind.conf"
        (
            cd "$dir/conf"
            swift-ring-builder "$kind.builder" create 4 1 0
            swift-ring-builder "$kind.builder" add "r1z1-127.0.0.1:${ports[index]}/d1" 1
            swift-ring-builder "$kind.builder" rebalance
        ) >>"$dir/ring.log" 2>&1
        index=$((index + 1))
    done
    proxy_server "${ports[0]}" "${ports[4]}" >"$dir/conf/proxy.conf"
    begin memcached memcached -u root -l 127.0.0.1 -p "${ports[4]}"
    for kind in account container object proxy; do begin "$kind" "swift-$kind-server" "$dir/conf/$kind.conf"; done
    for index in 1 2 3; do wait_http "$(cat "$dir/account.pid")" "${ports[index]}" || return 1; done
    wait_http "$(cat "$dir/proxy.pid")" "${ports[0]}" || return 1
    local version
    version=$(dpkg-query -W -f '${Version}' swift-proxy)
    write_env "${ports[0]}" "OpenStack Swift ${version%%-*}"
}

stop() {
    local kind
    for kind in proxy object container account memcached; do end "$kind"; done
}

run_command start stop install "$@"
