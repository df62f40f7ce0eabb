#!/usr/bin/env bats
# Control groups in a lab: lesson 6, the translation of names, and the claims about groups.

load common

setup_file() {
    [ "$(id -u)" = 0 ] || skip "a lab of an ordinary user has limits only in a session with a group of its own"
}

# In a fresh lab, whose cgroups are its own.
in_lab() {
    "$TEACHROOT" lab enter --new --offline -- bash -c "$1" 3>&-
}

@test "lesson 6: every step fails before its solution and passes after it, and nothing is left behind" {
    run "$TEACHROOT" test 6
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *" 0 failed, 0 skipped, 0 not run"* ]]
    run left_behind
    echo "$output"
    [ -z "$output" ]
}

@test "names of the other version are translated, and that is said once" {
    run in_lab 'cgcreate -g cpu,memory,freezer:/t && cgset -r memory.limit_in_bytes=80M t && cgset -r memory.max=64M -r cpu.max="5000 100000" t &&
        cgget -nv -r memory.limit_in_bytes -r memory.max -r cpu.cfs_quota_us -r cpu.max t'
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *"name; here it is memory."* ]]
    [ "$(grep -c '^67108864$' <<<"$output")" -eq 2 ]
    grep -qx 5000 <<<"$output"
    grep -qx '5000 100000' <<<"$output"
}

@test "devices are refused or said to be elsewhere, and the rest of the line works" {
    run in_lab 'cgcreate -g cpu,memory,blkio,devices,freezer:/t && assert cgroup cpu t && assert cgroup memory t && cgget -r devices.list t; cgdelete -g cpu,memory,blkio,devices,freezer:/t && assert not cgroup cpu t'
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *"a *:* rwm"* || "$output" == *"BPF"* ]]
}

@test "claims hold when they are true and fail when they are not" {
    run in_lab '
        cgcreate -g cpu,memory,pids,freezer:/t
        cgset -r memory.limit_in_bytes=50M -r pids.max=9 t
        assert limit t memory.limit_in_bytes 50M || exit 1
        assert limit t pids.max 10 >/dev/null && exit 2
        assert limit t memory.max 52428800 || exit 3
        cgexec -g cpu,memory,pids,freezer:t sleep 100 &
        until assert cgroup pids t holds "sleep 100" >/dev/null; do :; done
        assert cgroup pids t holds "sleep 200" >/dev/null && exit 4
        assert throttled t >/dev/null && exit 5
        assert not oom-killed t || exit 6
        assert not frozen t || exit 7
        cgset -r freezer.state=FROZEN t 2>/dev/null
        until assert frozen t >/dev/null; do :; done
        cgset -r freezer.state=THAWED t 2>/dev/null
        cgset -r cpu.cfs_quota_us=1000 t 2>/dev/null
        cgexec -g cpu:t timeout 2 bash -c "while :; do :; done"
        assert throttled t || exit 8
        cgset -r cpu.cfs_quota_us=-1 t 2>/dev/null
        cgset -r memory.memsw.limit_in_bytes=50M t 2>/dev/null
        cgexec -g memory:t bash -c "x=\$(head -c 200000000 /dev/zero | tr \\\\0 x)" 2>/dev/null
        assert oom-killed t || exit 9
        kill %1; exit 0'
    echo "$output"
    [ "$status" -eq 0 ]
}

@test "every tool has --help and --explain, and explaining changes nothing" {
    for tool in cgcreate cgclassify cgexec cgset cgget cgdelete lscgroup; do
        run "$TEACHROOT_TOOLS" $tool --help
        [ "$status" -eq 0 ]
        [[ "$output" == "usage: $tool "* ]]
    done
    run "$TEACHROOT_TOOLS" cgcreate --explain -d 700 -g cpu:/teachroot/never
    [ "$status" -eq 0 ]
    [[ "$output" == *"mkdir("*"teachroot/never"* ]]
    [ -z "$(find /sys/fs/cgroup -name never)" ]
    run "$TEACHROOT_TOOLS" cgexec --explain -g cpu:/teachroot/never true
    [ "$status" -eq 0 ]
    [[ "$output" == *"execve("* ]]
}
