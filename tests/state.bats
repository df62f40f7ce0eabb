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
    [[ "$output" == *"bash --norc: 1 inside"*"!= mount "*" isolated (the lab's is "*"!= pid "*"= network"*"shared, the lab's"*"+ /proc mounted since this step began (proc)"* ]]
}

@test "state shows the layers of an overlay, and what hides what" {
    run plain 'mkdir -p low/dir up work mnt; touch low/dir/a low/gone low/stays' \
        'mount -t overlay overlay -o lowerdir=low,upperdir=up,workdir=work,userxattr mnt' 'rm -r mnt/gone mnt/dir; mkdir mnt/dir; touch mnt/new' state quit
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *"Layers"*"+ /root/mnt: 1 lower, 1 upper"*"up "*"low"*"upper "*"lower"*"dir/! "*"(dir/)"*"(dir/a)"*"-gone "*"(gone)"*"new"*" stays"*"-x deleted here, (x) hidden, x/! opaque"* ]]
}

@test "state shows the image that was named last, then that of a container, and one that lies unpacked beside the shell" {
    run plain 'mkdir -p a/etc; touch a/etc/motd; tar -C a -c . | docker import - base >/dev/null' state \
        'docker create --name box base /x >/dev/null' state 'docker save base -o b.tar; mkdir oci; tar xf b.tar -C oci; mv oci/blobs/sha256 aside' state 'mv aside oci/blobs/sha256' state \
        'docker rm box >/dev/null; rm -r oci; docker rmi base >/dev/null' state quit
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *"base:latest, named last: 1 layer, "*"not shared  Imported from -"*"etc/"*"base:latest, of the newest container, box: 1 layer"*"/root/oci: open "*"base:latest, in /root/oci: 1 layer"*"/var/lib/docker: there is no image in"* ]]
}

@test "what a lab's store leads to outside the lab is not shown" {
    # A store on the host, where a lab sees nothing.
    TEACHROOT_STORE="$BATS_TEST_TMPDIR/store" "$TEACHROOT" image from-host true secret:1 >/dev/null
    entry=$(cat "$BATS_TEST_TMPDIR/store/index.json")
    run plain "mkdir -p /var/lib/docker; cd /var/lib/docker; ln -s $BATS_TEST_TMPDIR/store/blobs blobs; echo '$entry' >index.json" \
        'echo "{\"imageLayoutVersion\":\"1.0.0\"}" >oci-layout; ls blobs/' state \
        'rm blobs; mkdir -p blobs/sha256; cd blobs/sha256; m=$(grep -o "sha256:[0-9a-f]*" ../../index.json); ln -s /dev/zero ${m#*:}; touch ../../index.json' state \
        'rm *; mkfifo ${m#*:}; touch ../../index.json' state quit
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *"cannot access"*"/var/lib/docker: open"*"No such file"*"/var/lib/docker: image"*missing*"/var/lib/docker: image"*missing* ]]
    [[ "$output" != *"secret:1, named last"* ]]
}

@test "a watch that names no section of the state is a mistake that says which there are" {
    printf '\n<!-- watch\nmounts nonsense\n-->\n' >>"$lesson"
    run "$TEACHROOT" test "$lesson"
    [ "$status" -eq 2 ]
    [[ "$output" == *'bad watch `mounts nonsense`'*"namespaces ids mounts layers processes links"* ]]
}
