#!/bin/bash
# What playing costs: a step more in a lesson, over the same commands in plain bash; 100 MB of output through play to json, against script(1); Ctrl-C until the play has ended.
# By turns, RUNS times each; medians. Needs what a lab needs.
# shellcheck disable=SC2016 # what looks like an expansion is a lesson's fence
set -eu
runs=${RUNS:-9}
steps=100
dir=$(mktemp -d /tmp/teachroot-bench.XXXXXX)
trap 'rm -rf "$dir"' EXIT
export XDG_STATE_HOME=$dir/state
cd "$dir"

# Microseconds of one run, a line in FILE.
timed() { # FILE COMMAND…
    local file=$1 start=$EPOCHREALTIME end
    shift
    "$@" >/dev/null 2>&1 </dev/null || true # an interrupted play has a status of its own
    end=$EPOCHREALTIME
    echo $((${end/[.,]/} - ${start/[.,]/})) >>"$file"
}

median() { # FILE
    sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

some_steps() { # COUNT
    local i
    echo '# Steps'
    for ((i = 0; i < $1; i++)); do
        printf '\n## Step %d\n\n```bash\nls -d /etc; x=%d\n```\n<!-- check\ntrue\n-->\n' "$i" "$i"
    done
}
some_steps 1 >one.md
some_steps $((steps + 1)) >many.md
for ((i = 0; i < steps; i++)); do echo "ls -d /etc; x=$i; bash -c true"; done >many.sh
for ((i = 0; i < runs; i++)); do
    timed bash bash many.sh
    for format in text json; do
        timed "one.$format" "$TEACHROOT" play --format "$format" one.md
        timed "many.$format" "$TEACHROOT" play --format "$format" many.md
    done
done
for format in text json; do
    awk -v format="$format" -v many="$(median "many.$format")" -v one="$(median "one.$format")" -v bash="$(median bash)" -v steps=$steps \
        'BEGIN { printf "a step, %s: %.2f ms over the same commands and check in bash, %.2f ms (aim: under 5 ms)\n", format, (many - one - bash) / steps / 1000, bash / steps / 1000 }'
done

flood="yes 'The quick brown fox jumps over the lazy dog, 0123456789 and again over it.' | head -c 100000000"
printf '## Flood\n\n```bash |{"timeout":"100s"}\n%s\n```\n' "$flood" >flood.md
for ((i = 0; i < runs; i++)); do
    timed script script -qec "$flood" typescript
    timed json "$TEACHROOT" play flood.md --format json -o out
    timed text "$TEACHROOT" play flood.md --format text -o out
done
awk -v script="$(median script)" -v json="$(median json)" -v text="$(median text)" \
    'BEGIN { printf "100 MB: script %.2f s, json %.2f s, %.2f times as long (aim: 1.3), text %.2f s\n", script / 1e6, json / 1e6, json / script, text / 1e6 }'

printf '## Sleep\n\n```bash\nsleep 60\n```\n' >sleep.md
for ((i = 0; i < runs; i++)); do
    env --default-signal=INT "$TEACHROOT" play sleep.md --format json >events 2>&1 &
    until grep -q '"event":"block"' events 2>/dev/null; do sleep 0.05; done
    sleep 0.3
    kill -INT $!
    timed interrupt wait $!
    rm events
done
awk -v took="$(median interrupt)" -v most="$(sort -n interrupt | tail -n 1)" \
    'BEGIN { printf "Ctrl-C: ended and cleared up after %.0f ms, at most %.0f ms (aim: 300)\n", took / 1000, most / 1000 }'
