#!/usr/bin/env bash
# All that a GPU is wanted for, in under eight minutes, from a checkout with torch, numpy, pyarrow
# and safetensors and nothing installed:
#
#     bash benchmarks/on_gpu.sh [FOLDER]
#
# FOLDER (or $OUT; default benchmarks/results-DATE) gets a JSON and a log for every section, written
# as results come, summary.txt and page.md. The exit status is 1 if a check failed.
# DEVICE=cpu SIZE=small rehearses it. PYTHON names another python than python3.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

out=${1:-${OUT:-benchmarks/results-$(date +%Y-%m-%d)}}
device=${DEVICE:-cuda}
size=${SIZE:-full}
python=${PYTHON:-python3}
export PYTHONPATH=$PWD/src${PYTHONPATH:+:$PYTHONPATH}
TORCHINDUCTOR_CACHE_DIR=$(mktemp -d) || exit 1
export TORCHINDUCTOR_CACHE_DIR
trap 'rm -rf "$TORCHINDUCTOR_CACHE_DIR"' EXIT
patience=1
[ "$size" = small ] && patience=10 # a rehearsal is short; should it take long, others want the cores
mkdir -p "$out" || exit 1
rm -f "$out"/{checks,compiled,compiled-*,models,profiles,items,several}.json

# section MODULE SECONDS [PART/PARTS]: new tasks are begun for so long, the last has 20 s to end
section() {
  local log="$out/$1${3:+-${3%/*}}.log"
  local seconds=$(($2 * patience))
  timeout -k 5 $((seconds + 20)) "$python" -m "benchmarks.gpu.$1" --out "$out" --device "$device" \
    --size "$size" --seconds "$seconds" ${3:+--part "$3"} >"$log" 2>&1 ||
    echo "section $1 ended with status $?: $(tail -n 1 "$log")" >&2
}

# Checks look at no clock: they share the machine with the compiler, whose work is kept for later.
parts=1
[ "$device" = cuda ] && parts=$(($(nproc) > 2 ? ($(nproc) < 11 ? $(nproc) - 1 : 10) : 1))
[ "$parts" -gt 1 ] && export TORCHINDUCTOR_COMPILE_THREADS=2
section checks 110 &
for part in $(seq "$parts"); do
  section compiled 110 "$part/$parts" &
done
wait
section models 160
section profiles 30
section items 40
section several 60

"$python" -m benchmarks.gpu.page "$out" >"$out/page.md"
"$python" -m benchmarks.gpu.summary "$out" checks compiled models profiles items several |
  tee "$out/summary.txt"
