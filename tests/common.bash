# What several bats files share. Load with `load common`.

# A directory and a user of this test's own, with a range of sub-ids of its own, and the programs where that user may run them:
# $DIR, $LEARNER, $DIR/bin. Needs root.
make_learner() {
    export DIR LEARNER
    DIR=$(mktemp -d /tmp/teachroot-test.XXXXXX)
    LEARNER=trtest$$
    chmod 755 "$DIR"
    mkdir "$DIR/bin"
    cp "$TEACHROOT" "$TEACHROOT_BUILD/teachroot-tools" "$TEACHROOT_BUILD/teachroot-transfer" "$DIR/bin/"
    cp -r "$TEACHROOT_SOURCE/lessons" "$TEACHROOT_SOURCE/lessons.md" "$DIR/"
    chmod -R a+rX "$DIR"
    [ "$(id -u)" = 0 ] || return 0
    useradd --create-home --home-dir "$DIR/home" --shell /bin/bash "$LEARNER"
    # Of its own, also where another test has a learner at the same time.
    local first=$((7000000 + $$ % 4096 * 65536))
    grep -q "^$LEARNER:" /etc/subuid || usermod --add-subuids $first-$((first + 65535)) --add-subgids $first-$((first + 65535)) "$LEARNER"
}

remove_learner() {
    if [ "$(id -u)" = 0 ]; then
        pkill -9 -u "$LEARNER" || true
        for _ in $(seq 100); do pgrep -u "$LEARNER" >/dev/null || break; sleep 0.05; done
        userdel --remove "$LEARNER" 2>/dev/null || true
    fi
    rm -rf "$DIR"
}

as_learner() {
    if [ "$(id -u)" = 0 ]; then
        su "$LEARNER" -c "cd; export TEACHROOT_TOOLS=$DIR/bin/teachroot-tools TEACHROOT_LESSONS=$DIR; unset XDG_RUNTIME_DIR XDG_STATE_HOME XDG_CACHE_HOME; $1"
    else
        bash -c "$1"
    fi
}

# Everything of ours that may outlive a program, one line each: the kernel's own words, not ours. Empty when nothing is left. Labs that other programs run
# meanwhile (a learner's, or another test's) are not left behind; what cannot be told from theirs is then not looked at. What is there for a moment because such
# a lab comes or goes is not left behind either: it has to be there for five seconds.
left_behind() {
    local left
    for _ in $(seq 50); do
        left=$(seen_of_ours)
        [ -n "$left" ] || return 0
        sleep 0.1
    done
    echo "$left"
}

seen_of_ours() {
    local running
    running=$("$TEACHROOT" lab ls | awk 'NR > 1 && $2 != "dead" { print $1 }')
    {
        find /sys/fs/cgroup -path '*/teachroot/*' -prune -type d -print 2>/dev/null
        ip -o link | sed -n 's/.*: tr-\([^:@]*\).*/link \1/p'
        nft list tables 2>/dev/null | sed -n 's/.*teachroot_/table /p' | tr _ -
        find /run/teachroot/labs -mindepth 1 -maxdepth 1 -not -name .lock 2>/dev/null
    } | grep -v -w -F "${running:-no lab runs}"
    grep teachroot /proc/mounts
    if [ -z "$running" ]; then
        ls -d /sys/fs/cgroup/teachroot /sys/fs/cgroup/*/teachroot 2>/dev/null
        losetup --list --noheadings --output BACK-FILE 2>/dev/null | grep '^/var/tmp/.*deleted'
    fi
    [ -z "${DIR-}" ] || find "$DIR/home/.local/share/teachroot" -mindepth 2 -not -name .lock 2>/dev/null
    find /tmp /var/tmp -maxdepth 1 -name 'teachroot*' -not -name 'teachroot-test*' 2>/dev/null
    true
}

# The learner's cache gets the trees that root's tests made, with the owners they have for the learner: as if made by the learner, in less time.
give_learner_trees() {
    local to=$DIR/home/.cache/teachroot/trees uid gid id
    [ "$(id -u)" = 0 ] && [ -d "$XDG_CACHE_HOME/teachroot/trees" ] || return 0
    [ ! -e "$to" ] || return 0
    uid=$(id -u "$LEARNER") gid=$(id -g "$LEARNER")
    local first_uid first_gid
    first_uid=$(sed -n "s/^$LEARNER:\([0-9]*\):.*/\1/p" /etc/subuid)
    first_gid=$(sed -n "s/^$LEARNER:\([0-9]*\):.*/\1/p" /etc/subgid)
    mkdir -p "$to"
    cp -a "$XDG_CACHE_HOME/teachroot/trees/." "$to/"
    for id in $(find "$to" -printf '%G\n' | sort -un); do
        find "$to" -gid "$id" -exec chgrp -h "$([ "$id" = 0 ] && echo "$gid" || echo $((first_gid + id - 1)))" {} +
    done
    # Modes last: a change of owner clears set-id bits.
    for id in $(find "$to" -printf '%U\n' | sort -un); do
        find "$to" -uid "$id" -exec chown -h "$([ "$id" = 0 ] && echo "$uid" || echo $((first_uid + id - 1)))" {} +
    done
    (cd "$XDG_CACHE_HOME/teachroot/trees" && find . -perm /6000 -printf '%m %p\n') | while read -r mode path; do chmod "$mode" "$to/$path"; done
    chown "$LEARNER:" "$DIR/home/.cache" "$DIR/home/.cache/teachroot"
}

# Run $2… and kill all of it -9 after the part $1 (of 100) of the time $TOOK (ms).
kill_at() {
    local part=$1 pid
    shift
    setsid "$@" >/dev/null 2>&1 3>&- &
    pid=$!
    sleep "$(awk "BEGIN { print $TOOK * $part / 100000 }")"
    kill -9 -- -$pid 2>/dev/null || true
    wait $pid 2>/dev/null || true
}

# Run $1… to its end; $TOOK is how long that took (ms).
timed() {
    local start
    start=$(date +%s%N)
    "$@" >/dev/null
    TOOK=$((($(date +%s%N) - start) / 1000000 + 1))
}

# The store is whole: by our own check, and by skopeo for every name.
store_is_whole() {
    local name
    [ -e "$TEACHROOT_STORE/index.json" ] || return 0
    "$TEACHROOT_BUILD/teachroot-transfer" image fsck
    for name in $(jq -r '.manifests[].annotations["org.opencontainers.image.ref.name"] // empty' "$TEACHROOT_STORE/index.json"); do
        skopeo inspect "oci:$TEACHROOT_STORE:$name" >/dev/null
    done
}
