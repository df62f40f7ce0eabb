#!/usr/bin/env bats
# The kernel's state in words: the state command of plain mode.

setup() {
    export XDG_STATE_HOME="$BATS_TEST_TMPDIR/state"
    lesson="$BATS_TEST_TMPDIR/01-state.md"
    cat >"$lesson" <<'LESSON'
---
title: A lesson
---
Words.

## One

```bash
true
```
<!-- check
[ -e /root/never ]
-->
LESSON
}

plain() {
    printf '%s\n' "$@" | timeout 60 "$TEACHROOT" --plain --offline "$lesson"
}

@test "state says what a shell shares with the lab and what it does not" {
    run plain state 'unshare --mount --uts --pid --fork bash --norc' 'mount -t proc proc /proc' state exit quit
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *"Terminal 1, compared with the lab it is in:"*"pid "*"shared, the lab's"*"the same as when this step began"*"lo up 127.0.0.1/8"* ]]
    [[ "$output" == *"bash --norc: 1 inside"*"≠ mount "*" isolated (the lab's is "*"≠ pid "*"= network"*"shared, the lab's"*"+ /proc mounted since this step began (proc)"* ]]
}

@test "state shows the layers of an overlay, and what hides what" {
    run plain 'mkdir -p low/dir up work mnt; touch low/dir/a low/gone low/stays' \
        'mount -t overlay overlay -o lowerdir=low,upperdir=up,workdir=work,userxattr mnt' 'rm -r mnt/gone mnt/dir; mkdir mnt/dir; touch mnt/new' state quit
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *"Layers"*"+ /root/mnt: 1 lower, 1 upper"*"up "*"low"*"upper "*"lower"*"dir/! "*"(dir/)"*"(dir/a)"*"-gone "*"(gone)"*"new"*" stays"*"-x deleted here, (x) hidden, x/! opaque"* ]]
}

@test "a watch that names no section of the state is a mistake that says which there are" {
    printf '\n<!-- watch\nmounts nonsense\n-->\n' >>"$lesson"
    run "$TEACHROOT" test "$lesson"
    [ "$status" -eq 2 ]
    [[ "$output" == *'bad watch `mounts nonsense`'*"namespaces ids mounts layers processes links"* ]]
}
