#!/usr/bin/env bash
# Starts PostgreSQL and three nodes on this machine, and stops them at Ctrl-C.
#
#   examples/cluster/start.sh [flags for all nodes]
#
# PostgreSQL is the installed one, with its data below examples/cluster/data; another one is
# used if DATABASE names it, as user:password@host:5432/name. The nodes listen at ports
# 7350, 7360 and 7370, their consoles at 7351, 7361 and 7371.
set -euo pipefail
cd "$(dirname "$0")"
data=$PWD/data
mkdir -p "$data"
(cd ../.. && go build -o "$data/kumi" .)

stop=()
cleanup() {
  trap - EXIT
  echo 'stopping'
  kill "${nodes[@]}" 2>/dev/null || true
  wait "${nodes[@]}" 2>/dev/null || true
  [ -z "${stop[*]}" ] || "${stop[@]}"
}
nodes=()
trap cleanup EXIT
trap 'exit 0' INT TERM

if [ -z "${DATABASE:-}" ]; then
  bin=$(dirname "$(command -v initdb || ls /usr/lib/postgresql/*/bin/initdb /opt/homebrew/opt/postgresql*/bin/initdb 2>/dev/null | tail -1)")
  if [ ! -x "$bin/initdb" ]; then
    echo 'PostgreSQL is not installed. Install it, or name a server with DATABASE=user:password@host:5432/name.' >&2
    exit 1
  fi
  # PostgreSQL refuses to run as root.
  as=()
  if [ "$(id -u)" = 0 ]; then
    as=(runuser -u postgres --)
    mkdir -p "$data/postgres"
    chown postgres "$data/postgres"
  fi
  [ -e "$data/postgres/PG_VERSION" ] || (cd / && "${as[@]}" "$bin/initdb" -D "$data/postgres" -U kumi -A trust -E UTF8 --no-instructions >/dev/null)
  (cd / && "${as[@]}" "$bin/pg_ctl" -D "$data/postgres" -w -s -l "$data/postgres/log" -o "-h 127.0.0.1 -p 7340 -k ''" start)
  stop=("${as[@]}" "$bin/pg_ctl" -D "$data/postgres" -s -m fast stop)
  DATABASE=kumi@127.0.0.1:7340/kumi
fi
"$data/kumi" migrate up --database.address "$DATABASE"

# What all nodes share: the database, the modules, and the keys of tokens.
shared=(
  --database.address "$DATABASE" --runtime.path ../../data/modules
  --session.encryption_key "a key for the example only" --session.refresh_encryption_key "another key for the example"
  --cluster.secret "a secret for the example"
)
port=7350
for name in a b c; do
  flags=(--name "$name" --data_dir "$data/$name" --socket.port $port --console.port $((port + 1)) --cluster.listen 127.0.0.1:$((port + 2)))
  # One living node is enough to join; the others are found through it.
  [ $port = 7350 ] || flags+=(--cluster.join 127.0.0.1:7352)
  "$data/kumi" "${flags[@]}" "${shared[@]}" --logger.format json --logger.file "$data/$name.log" --logger.stdout=false "$@" &
  nodes+=($!)
  echo "node $name: http://127.0.0.1:$port, console http://127.0.0.1:$((port + 1)), log $data/$name.log"
  port=$((port + 10))
done
for port in 7350 7360 7370; do
  until "$data/kumi" healthcheck $port 2>/dev/null; do
    for node in "${nodes[@]}"; do
      kill -0 "$node" 2>/dev/null || { echo "a node did not start: see its log" >&2; exit 1; }
    done
    sleep 0.2
  done
done
echo
"$data/kumi" nodes
echo
echo "examples/cluster/data/kumi nodes    lists them; Ctrl-C stops all"
wait
