#!/usr/bin/env bash
# A real S3 server for tests: Ceph's RADOS Gateway with one monitor and one OSD, all on loopback, data in memory.
# It checks signatures, payload hashes, clock skew and Content-MD5, and its conditional PUT is atomic.
#
#   s3-server.sh start DIR [PORT]     a fresh, empty server, ready when this returns; prints what is in DIR/env
#   s3-server.sh stop DIR             ends it cleanly (about 6 s)
#   s3-server.sh kill DIR             ends it at once
#   s3-server.sh crash|revive DIR     ends the gateway at once; starts it again, with everything it had answered
#   s3-server.sh pause|unpause DIR    the gateway accepts connections but does not answer, or goes on
#   s3-server.sh status DIR           which of the three processes live
#
# PORT (default 7480) is http, PORT+1 https (certificate DIR/tls.crt), PORT+20 to PORT+90 belong to Ceph inside: keep
# servers that run at once 200 ports apart. Keep DIR short: unix sockets are made in it. Bucket names need 3 characters.
# Debian packages: ceph-mon ceph-osd ceph-common radosgw openssl curl.
set -euo pipefail

fail() {
  echo "s3-server: $*" >&2
  exit 1
}

[ $# -ge 2 ] || fail "usage: s3-server.sh start|stop|kill|crash|revive|pause|unpause|status DIR [PORT]"
action=$1
mkdir -p "$2"
dir=$(cd "$2" && pwd)
config=$dir/ceph.conf
processes="rgw osd mon" # the gateway goes first: it needs the others

pid_of() { cat "$dir/$1.pid" 2>/dev/null || true; }

alive() {
  local pid
  pid=$(pid_of "$1")
  [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null
}

launch() { # NAME COMMAND...
  local name=$1
  shift
  setsid "$@" -c "$config" -f </dev/null >"$dir/log/$name.out" 2>&1 &
  echo $! >"$dir/$name.pid"
}

kill_all() {
  local name
  for name in $processes; do
    if alive "$name"; then kill -KILL "$(pid_of "$name")"; fi
    rm -f "$dir/$name.pid"
  done
}

stop_all() {
  local name pid
  for name in $processes; do
    if alive "$name"; then
      pid=$(pid_of "$name")
      kill -CONT "$pid"
      kill -TERM "$pid"
      for _ in $(seq 150); do
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.1
      done
    fi
  done
  kill_all
}

write_config() { # PORT
  local classes
  classes=$(find /usr/lib -name libcls_rgw.so -printf '%h' -quit)
  [ -n "$classes" ] || fail "ceph-osd is not installed"
  # Without authentication inside the cluster the gateway must be told to speak plain to the monitor, or it hangs. The
  # short intervals and single placement groups are what makes a start take one second.
  cat >"$config" <<CONF
[global]
fsid = $(cat /proc/sys/kernel/random/uuid)
mon host = [v2:127.0.0.1:$(($1 + 20)),v1:127.0.0.1:$(($1 + 21))]
public network = 127.0.0.0/8
ms bind port min = $(($1 + 30))
ms bind port max = $(($1 + 90))
auth cluster required = none
auth service required = none
auth client required = none
run dir = $dir/run
admin socket = $dir/run/\$name.\$pid.asok
log file = $dir/log/\$name.log
crash dir = $dir/crash
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
osd crush initial weight = 1
mon allow pool size one = true
mon max pg per osd = 1000
[mon]
mon data = $dir/mon
mon cluster log file = $dir/log/cluster.log
mon data avail warn = 1
mon data avail crit = 0
paxos propose interval = 0.02
paxos min wait = 0.01
[osd]
osd data = $dir/osd
osd class dir = $classes
osd objectstore = memstore
memstore device bytes = 8589934592
osd memory target = 939524096
osd op num shards = 2
osd mclock skip benchmark = true
[client.rgw]
ms mon client mode = crc
objecter tick interval = 0.1
mon client ping interval = 1
mon client hunt interval = 0.3
rgw data = $dir/rgw
rgw frontends = beast tcp_nodelay=1 endpoint=127.0.0.1:$1 ssl_endpoint=127.0.0.1:$(($1 + 1)) ssl_certificate=$dir/tls.crt ssl_private_key=$dir/tls.key
rgw thread pool size = 32
rgw num control oids = 1
rgw enable usage log = false
rgw enable ops log = false
rgw dynamic resharding = false
rgw override bucket index max shards = 1
CONF
}

make_certificate() {
  openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=localhost \
    -addext "subjectAltName=DNS:localhost,IP:127.0.0.1" -keyout "$dir/tls.key" -out "$dir/tls.crt" 2>/dev/null
}

start_cluster() {
  local osd_id
  osd_id=$(cat /proc/sys/kernel/random/uuid)
  monmaptool --create --clobber --fsid "$(sed -n 's/^fsid = //p' "$config")" \
    --addv a "$(sed -n 's/^mon host = //p' "$config")" "$dir/monmap" >/dev/null
  ceph-mon -c "$config" --mkfs -i a --monmap "$dir/monmap" >"$dir/log/mon-mkfs.out" 2>&1
  launch mon ceph-mon -i a
  timeout 30 ceph -c "$config" osd new "$osd_id" 0 >"$dir/log/osd-new.out" 2>&1 ||
    fail "the monitor does not answer: $(tail -3 "$dir/log/osd-new.out")"
  ceph-osd -c "$config" -i 0 --mkfs --osd-uuid "$osd_id" >"$dir/log/osd-mkfs.out" 2>&1
  launch osd ceph-osd -i 0
}

await_gateway() { # PORT
  for _ in $(seq 400); do
    curl -fs --noproxy '*' -o /dev/null --max-time 2 "http://127.0.0.1:$1/" && return
    alive rgw || fail "the gateway ended: $(tail -3 "$dir/log/rgw.out")"
    sleep 0.05
  done
  fail "the gateway does not answer on port $1"
}

start_gateway() { # PORT ACCESS_KEY SECRET_KEY
  launch rgw radosgw -n client.rgw
  radosgw-admin -c "$config" -n client.rgw user create --uid=test --display-name=test \
    --access-key="$2" --secret-key="$3" >"$dir/log/user.out" 2>&1 || fail "no user: $(tail -3 "$dir/log/user.out")"
  await_gateway "$1"
}

start() { # PORT
  local access=${ACCESS_KEY:-TESTKEY0000000000001} secret=${SECRET_KEY:-testsecret0123456789abcdefghijklmnopqrs1}
  for program in ceph ceph-mon ceph-osd radosgw radosgw-admin monmaptool openssl curl; do
    command -v "$program" >/dev/null || fail "$program is missing: apt-get install ceph-mon ceph-osd ceph-common radosgw openssl curl"
  done
  kill_all
  rm -rf "$dir"/{mon,osd,run,log,rgw,crash}
  mkdir -p "$dir"/{mon,osd,run,log,rgw}
  # A start that fails must not leave half a server behind.
  trap kill_all ERR EXIT
  make_certificate
  write_config "$1"
  start_cluster
  start_gateway "$1" "$access" "$secret"
  trap - ERR EXIT
  printf 'HTTP_PORT=%s\nHTTPS_PORT=%s\nACCESS_KEY=%s\nSECRET_KEY=%s\nCA=%s\n' \
    "$1" "$(($1 + 1))" "$access" "$secret" "$dir/tls.crt" | tee "$dir/env"
}

case $action in
start) start "${3:-7480}" ;;
stop) stop_all ;;
kill) kill_all ;;
crash) kill -KILL "$(pid_of rgw)" ;;
revive)
  launch rgw radosgw -n client.rgw
  await_gateway "$(sed -n 's/^HTTP_PORT=//p' "$dir/env")"
  ;;
pause) kill -STOP "$(pid_of rgw)" ;;
unpause) kill -CONT "$(pid_of rgw)" ;;
status)
  for name in $processes; do
    if alive "$name"; then echo "$name: pid $(pid_of "$name")"; else echo "$name: down"; fi
  done
  ;;
*) fail "unknown action $action" ;;
esac
