#!/usr/bin/env bats
# The lab of an ordinary user, the lab put together of parts, and `teachroot lab`.

load common

setup_file() {
    make_learner
    cp "$TEACHROOT_BUILD/tests/unit/lab" "$DIR/bin/"
}

teardown_file() {
    remove_learner
}

@test "an ordinary user's lab isolates, limits, hides and ends like root's" {
    [ "$(id -u)" = 0 ] || skip "only root can make the user"
    run as_learner "$DIR/bin/lab"
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(grep -c '^ok ' <<<"$output")" -eq "$(sed -n 's/^1\.\.//p' <<<"$output")" ]
}

@test "a root put together of parts does the same" {
    [ "$(id -u)" = 0 ] || skip "an ordinary user's lab is always of this kind"
    TEACHROOT_TEST_LAB=assembled run "$TEACHROOT_BUILD/tests/unit/lab"
    echo "$output"
    [ "$status" -eq 0 ]
}

@test "lab enter runs a command in a new lab and gives its exit status" {
    run "$TEACHROOT" lab enter --new -- sh -c 'hostname; exit 7'
    [ "$status" -eq 7 ]
    [[ "$output" == lab* ]]
}

@test "lab enter reads commands from standard input" {
    run "$TEACHROOT" lab enter --new --offline <<<'echo in $container'
    [ "$status" -eq 0 ]
    [ "$output" = "in lxc" ]
}

@test "lab ls, enter, reset and rm find a running lab by its name" {
    "$TEACHROOT" lab enter --new byname -- sleep 1000 3>&- &
    program=$!
    for _ in $(seq 100); do "$TEACHROOT" lab ls | grep -q '^byname .*running' && break; sleep 0.05; done
    run "$TEACHROOT" lab ls
    [[ "$output" == *byname*running* ]]
    run "$TEACHROOT" lab enter byname -- hostname
    [ "$output" = byname ]
    run "$TEACHROOT" lab rm byname
    [ "$status" -eq 0 ]
    run kill -0 $program
    [ "$status" -ne 0 ]
    run "$TEACHROOT" lab enter byname
    [ "$status" -eq 1 ]
    [[ "$output" == *"lab ls"* ]]
}

@test "wrong verbs and names are answered and exit 2 or 1" {
    run "$TEACHROOT" lab
    [ "$status" -eq 2 ]
    run "$TEACHROOT" lab fly
    [ "$status" -eq 2 ]
    [[ "$output" == *"no verb"* ]]
    run "$TEACHROOT" lab reset
    [ "$status" -eq 2 ]
    run "$TEACHROOT" lab enter --new 'Bad/Name' -- true
    [ "$status" -eq 1 ]
    run "$TEACHROOT" lab --help
    [ "$status" -eq 0 ]
}

@test "200 programs killed at a random moment leave nothing after the next start" {
    for _ in $(seq 200); do
        setsid "$TEACHROOT" lab enter --new -- sh -c 'sleep 1000 & d=/sys/fs/cgroup/freezer/x; mkdir $d 2>/dev/null &&
            echo $! >$d/cgroup.procs && echo FROZEN >$d/freezer.state; wait' >/dev/null 2>&1 3>&- &
        program=$!
        sleep "0.0$((RANDOM % 90 + 10))"
        pkill -9 -s $program 2>/dev/null || true
        kill -9 $program 2>/dev/null || true
        wait $program 2>/dev/null || true
    done
    "$TEACHROOT" lab enter --new -- true
    run left_behind
    echo "$output"
    [ -z "$output" ]
    ! pgrep -f 'sleep 1000' >/dev/null
}

@test "50 programs of an ordinary user killed at a random moment leave nothing either" {
    [ "$(id -u)" = 0 ] || skip "only root can make the user"
    # shellcheck disable=SC2016
    as_learner 'for i in $(seq 50); do
        setsid '"$DIR"'/bin/teachroot lab enter --new -- sleep 1000 >/dev/null 2>&1 3>&- & p=$!
        sleep 0.0$((RANDOM % 90 + 10)); pkill -9 -s $p; kill -9 $p; wait $p; done 2>/dev/null
        '"$DIR"'/bin/teachroot lab enter --new -- true'
    run left_behind
    echo "$output"
    [ -z "$output" ]
    for _ in $(seq 100); do pgrep -u "$LEARNER" >/dev/null || break; sleep 0.05; done
    ! pgrep -u "$LEARNER"
}

@test "where / is itself an overlay, as in Docker, the lab is put together of parts and says so" {
    [ "$(id -u)" = 0 ] || skip "only root can mount the overlay"
    run unshare --mount bash -e -c '
        dir=$(mktemp -d /var/tmp/teachroot-test.XXXXXX)
        trap "rmdir $dir" EXIT
        mount -t tmpfs none "$dir"
        mkdir "$dir/upper" "$dir/work" "$dir/root"
        mount -t overlay overlay -o "lowerdir=/,upperdir=$dir/upper,workdir=$dir/work" "$dir/root"
        for place in proc sys dev run tmp var/tmp; do mount --rbind "/$place" "$dir/root/$place"; done
        cd "$dir/root"
        mkdir old
        pivot_root . old
        cd /
        umount -l /old
        trap "umount -l /var/tmp/${dir##*/} 2>/dev/null; rmdir $dir" EXIT
        "$0" lab enter --new --offline -- sh -c "touch /etc/x && mkdir /my-new-root && chroot / true && stat -f -c %T /etc && ps ax | wc -l"
    ' "$TEACHROOT"
    echo "$output"
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = overlayfs ]
    [ "${lines[1]}" -le 6 ]
}
