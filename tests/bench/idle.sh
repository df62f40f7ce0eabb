#!/bin/bash
# What an idle screen costs: processor time of the program and of every check it ran, over SECONDS_IDLE seconds at lesson 1's first step.
set -eu
seconds=${SECONDS_IDLE:-20}
state=$(mktemp -d /tmp/teachroot-bench.XXXXXX)
trap 'tmux -L "bench$$" kill-server 2>/dev/null || true; rm -rf "$state"' EXIT

# utime, stime, cutime and cstime of process $1, in clock ticks. The name before them may hold anything but is in brackets.
ticks() {
    local stat
    stat=$(<"/proc/$1/stat")
    # shellcheck disable=SC2086
    set -- ${stat##*) }
    echo $((${12} + ${13} + ${14} + ${15}))
}

XDG_STATE_HOME=$state tmux -L "bench$$" -f /dev/null new-session -d -x 120 -y 36 "$TEACHROOT 1"
for _ in $(seq 100); do
    tmux -L "bench$$" capture-pane -p | grep -q 'Terminal 1' && break
    sleep 0.1
done
program=$(tmux -L "bench$$" list-panes -F '#{pane_pid}')
sleep 3
before=$(ticks "$program")
sleep "$seconds"
after=$(ticks "$program")
awk -v t=$((after - before)) -v hz="$(getconf CLK_TCK)" -v s="$seconds" \
    'BEGIN { printf "idle screen, checks included: %.2f%% of one core over %d s (aim: under 1%%)\n", 100 * t / hz / s, s }'
tmux -L "bench$$" send-keys F10
for _ in $(seq 50); do kill -0 "$program" 2>/dev/null || break; sleep 0.1; done
