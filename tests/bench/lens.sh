#!/bin/bash
# What the lens costs: a load that forks and executes FORKS programs and one that does neither, in a terminal of a lab, without the lens, with it, and with it but never pinned to
# one core with what it traces. RUNS runs by turns; the medians, and how much more than without.
set -eu
teachroot=${TEACHROOT:-build/teachroot}
runs=${RUNS:-5}
forks=${FORKS:-5000}
dir=$(mktemp -d /tmp/teachroot-bench.XXXXXX)
trap 'rm -rf "$dir"' EXIT
export TEACHROOT_STATE="$dir/state"

if ! "$teachroot" doctor strace >/dev/null; then
    "$teachroot" doctor strace || true
    exit 0
fi

lesson() { # FILE LENS CHECK
    cat >"$1" <<LESSON
---
title: The lens's cost
lens: $2
timeout: 300s
---
# The lens's cost

## A load

\`\`\`bash
type \$0 >/dev/null; sleep 1
s=\$EPOCHREALTIME; for ((i = 0; i < $forks; i++)); do /bin/true; done; e=\$EPOCHREALTIME; echo "forks \$(((\${e/./} - \${s/./}) / 1000))"
s=\$EPOCHREALTIME; for ((i = 0; i < 1000000; i++)); do :; done; e=\$EPOCHREALTIME; echo "none \$(((\${e/./} - \${s/./}) / 1000))"
s=\$EPOCHREALTIME; dd if=/dev/zero of=/dev/null bs=512 count=1000000 status=none; e=\$EPOCHREALTIME; echo "calls \$(((\${e/./} - \${s/./}) / 1000))"
\`\`\`
<!-- check
$3
-->
LESSON
}
lesson "$dir/01-without.md" off true
lesson "$dir/02-with.md" execve,mount,unshare,kill 'assert syscall execve succeeded'

run() { # NAME FILE
    local pin=yes
    [ "$1" != free ] || pin=no
    if ! TEACHROOT_LENS_PIN=$pin "$teachroot" play --offline "$2" >"$dir/out" 2>&1; then
        cat "$dir/out"
        exit 1
    fi
    sed -n "s/^ *\(forks\|none\|calls\) \([0-9]*\) *\$/\1 \2/p" "$dir/out" | while read -r load ms; do
        echo "$ms" >>"$dir/$1.$load"
    done
}

median() { # FILE
    sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

for ((r = 0; r < runs; r++)); do
    run without "$dir/01-without.md"
    run with "$dir/02-with.md"
    run free "$dir/02-with.md"
done
for load in forks none calls; do
    base=$(median "$dir/without.$load")
    case $load in
        forks) printf '%s forks and execs:' "$forks" ;;
        none) printf 'a loop without calls:' ;;
        calls) printf '2,000,000 calls that are not traced:' ;;
    esac
    printf ' without the lens %s ms' "$base"
    for name in with free; do
        ms=$(median "$dir/$name.$load")
        [ $name = with ] && printf ', with it' || printf ', not pinned'
        printf ' %s ms (%s times)' "$ms" "$(awk "BEGIN { printf \"%.2f\", $ms / $base }")"
    done
    echo
done
