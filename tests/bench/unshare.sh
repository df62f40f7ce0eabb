#!/bin/bash
# What it costs to run a program through unshare: ours, util-linux's and bubblewrap by turns, so that what else the machine does meets them alike.
# RUNS pairs of each line; the median of each, and the median of the paired ratios.
set -eu
tools=${TEACHROOT_BUILD:-build}/teachroot-tools
runs=${RUNS:-300}
program=/bin/true
dir=$(mktemp -d /tmp/teachroot-bench.XXXXXX)
trap 'rm -rf "$dir"' EXIT
ln -s "$(realpath "$tools")" "$dir/unshare"
ours=$dir/unshare
theirs=$(command -v unshare)

# Microseconds of one run, in $took.
timed() {
    local start=$EPOCHREALTIME end
    "$@" >/dev/null 2>&1
    end=$EPOCHREALTIME
    took=$((${end/[.,]/} - ${start/[.,]/}))
}

median() { # FILE
    sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

pair() { # TITLE -- FIRST… -- SECOND…
    local title=$1 took i a b
    shift 2
    local first=()
    while [ "$1" != -- ]; do
        first+=("$1")
        shift
    done
    shift
    if ! "${first[@]}" >/dev/null 2>&1 || ! "$@" >/dev/null 2>&1; then
        echo "$title: cannot be run here"
        return 0
    fi
    : >"$dir/first"
    : >"$dir/second"
    : >"$dir/ratio"
    for ((i = 0; i < runs; i++)); do
        # Whoever is second finds the caches warm: take turns in that too.
        if ((i % 2)); then
            timed "${first[@]}"; a=$took
            timed "$@"; b=$took
        else
            timed "$@"; b=$took
            timed "${first[@]}"; a=$took
        fi
        echo "$a" >>"$dir/first"
        echo "$b" >>"$dir/second"
        echo $((a * 1000 / b)) >>"$dir/ratio"
    done
    printf '%s: %d µs, %d µs, ratio %s (%d pairs)\n' "$title" "$(median "$dir/first")" "$(median "$dir/second")" \
        "$(median "$dir/ratio" | awk '{ printf "%.3f", $1 / 1000 }')" "$runs"
}

if [ "$(id -u)" = 0 ]; then
    all=(--mount --uts --ipc --net --pid --cgroup --time --user --map-root-user --fork --mount-proc)
else
    all=(--mount --uts --ipc --net --pid --cgroup --user --map-root-user --fork --mount-proc)
fi
pair 'plain run, against util-linux' -- "$ours" "$program" -- "$theirs" "$program"
pair 'new UTS namespace, against util-linux' -- "$ours" --user --map-root-user --uts "$program" -- "$theirs" --user --map-root-user --uts "$program"
pair 'all namespaces, against util-linux' -- "$ours" "${all[@]}" "$program" -- "$theirs" "${all[@]}" "$program"
command -v bwrap >/dev/null || { echo 'bubblewrap is not here to compare with'; exit 0; }
pair 'all namespaces, against bubblewrap' -- "$ours" "${all[@]}" "$program" -- \
    bwrap --unshare-all --bind / / --proc /proc "$program"
