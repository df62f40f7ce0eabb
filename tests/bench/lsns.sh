#!/bin/bash
# lsns on a machine with 2,000 processes more, against util-linux'; `chroot DIR /bin/true` against coreutils'. Pairs of runs, one of each in turn, so that both see
# the same machine; PAIRS of them (200), PROCESSES (2000).
set -eu
tools=$(realpath "${TEACHROOT_BUILD:-build}/teachroot-tools")
pairs=${PAIRS:-200}
processes=${PROCESSES:-2000}
[ "$(id -u)" = 0 ] || { echo 'skipped: chroot is for root'; exit 0; }
work=$(mktemp -d /tmp/teachroot-bench.XXXXXX)
ended() {
    [ -z "${sleepers:-}" ] || kill -9 -- "-$sleepers" 2>/dev/null || true
    rm -rf "$work"
}
trap ended EXIT

now() {
    echo "${EPOCHREALTIME/./}"
}

median() {
    sort -n "$1" | sed -n "$((pairs / 2 + 1))p"
}

# Which of the two is first changes with each pair.
compare() { # NAME OURS THEIRS, commands of one word each
    local start which i
    : >"$work/ours"
    : >"$work/theirs"
    for ((i = 0; i < pairs; i++)); do
        for which in $((i % 2)) $((1 - i % 2)); do
            start=$(now)
            if [ "$which" = 0 ]; then "$2"; else "$3"; fi
            echo $(($(now) - start)) >>"$work/$([ "$which" = 0 ] && echo ours || echo theirs)"
        done
    done
    awk -v name="$1" -v pairs="$pairs" -v ours="$(median "$work/ours")" -v theirs="$(median "$work/theirs")" \
        'BEGIN { printf "%s: ours %.2f ms, theirs %.2f ms, ratio %.2f (medians of %d pairs)\n", name, ours / 1000, theirs / 1000, ours / theirs, pairs }'
}

theirs_lsns=$(command -v lsns)
theirs_chroot=$(command -v chroot)
# Called by their own names, as they are in a lab.
mkdir "$work/bin" "$work/root"
ln -s "$tools" "$work/bin/lsns"
ln -s "$tools" "$work/bin/chroot"
"$tools" ldcopy true "$work/root" >/dev/null
our_lsns() { "$work/bin/lsns" >/dev/null; }
their_lsns() { "$theirs_lsns" >/dev/null; }
our_chroot() { "$work/bin/chroot" "$work/root" /bin/true; }
their_chroot() { "$theirs_chroot" "$work/root" /bin/true; }

compare 'chroot DIR /bin/true' our_chroot their_chroot
# In a process group of their own; they end by themselves, should this script be killed.
# shellcheck disable=SC2016
setsid bash -c 'for ((i = 0; i < $1; i++)); do sleep 900 & done; wait' sleepers "$processes" &
sleepers=$!
until [ "$(pgrep -c -g "$sleepers")" -ge "$processes" ]; do sleep 0.1; done
compare "lsns with $processes processes more" our_lsns their_lsns
