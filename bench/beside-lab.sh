#!/usr/bin/env bash
# Measures the recorder beside atop and sadc while the lab's healthy site is under load, as root, in namespaces of its own.
#   bench/beside-lab.sh [5m]
set -euo pipefail
cd "$(dirname "$0")/.."
measured=${1:-5m}
if [ "${HIRUNE_BENCH_STAGE:-}" != inside ]; then
  command -v atop >/dev/null && command -v ip >/dev/null && [ -x /usr/lib/sysstat/sadc ] ||
    DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 install -y --no-install-recommends atop sysstat iproute2 >/dev/null
  mkdir -p .cache/bench
  go build -o .cache/bench/lab ./lab/cmd/lab
  go build -o .cache/bench/recorder ./bench/recorder
  HIRUNE_BENCH_STAGE=inside exec unshare --pid --fork --net --mount --mount-proc --kill-child "$0" "$measured"
fi
ip link set lo up
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
# The lab is in namespaces of its own already.
HIRUNE_LAB_STAGE=work .cache/bench/lab run healthy --seconds 1200 --no-hirune --out "$out" >"$out/lab.txt" 2>&1 &
lab=$!
for _ in $(seq 120); do
  grep -q 'of load on' "$out/lab.txt" && break
  sleep 1
done
grep 'of load on' "$out/lab.txt" || { cat "$out/lab.txt" >&2; exit 1; }
.cache/bench/recorder -hirune bin/hirune -warm 30s -for "$measured"
kill -INT "$lab"
wait "$lab" || true
