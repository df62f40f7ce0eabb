#!/bin/bash
# A minbase root filesystem: debootstrap by itself, our first with nothing kept, and the ones after it in labs of their own.
set -eu
teachroot=${TEACHROOT:-build/teachroot} suite=${SUITE:-bookworm}
[ "$(id -u)" = 0 ] || { echo "bootstrap: debootstrap by itself is for root"; exit 0; }
dir=$(mktemp -d /var/tmp/teachroot-bench.XXXXXX)
trap 'rm -rf "$dir"' EXIT

# ms COMMAND…: the milliseconds it took.
ms() {
    local start
    start=$(date +%s%N)
    "$@" >"$dir/log" 2>&1 || { cat "$dir/log" >&2; return 1; }
    echo $((($(date +%s%N) - start) / 1000000))
}

ours() { # [LAB OPTION]: made or copied in a lab; prints the tool's own time too
    XDG_CACHE_HOME=$dir "$teachroot" lab enter --new "$@" -- debootstrap --variant=minbase "$suite" /better-root
}

if ! plain=$(ms debootstrap --variant=minbase "$suite" "$dir/plain" 2>"$dir/why"); then
    echo "bootstrap: not measured, as debootstrap by itself fails here: $(tail -n 1 "$dir/why")"
    exit 0
fi
first=$(ms ours)
printf 'debootstrap by itself %d ms; ours, the first, with its lab %d ms (%d %%)\n' "$plain" "$first" $((first * 100 / plain))
times=()
for _ in 1 2 3 4 5 6 7 8 9; do
    ms ours --offline >/dev/null
    times+=("$(sed -n 's/^Done in \([0-9.]*\) s.*/\1/p' "$dir/log")")
done
mapfile -t times < <(printf '%s\n' "${times[@]}" | sort -n)
again=$(ms ours --offline)
printf 'ours again, in a new lab without a network: %s s (fastest %s, slowest %s of %d); with the lab %d ms\n' "${times[4]}" "${times[0]}" \
    "${times[8]}" "${#times[@]}" "$again"
