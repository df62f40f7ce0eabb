#!/usr/bin/env bats
# The lessons as a learner without a screen meets them: every step plays, and every check fails before its solution and passes after it.

load common

setup_file() {
    make_learner
    give_learner_trees
}

teardown_file() {
    remove_learner
}

# TAP with a plan, every line of it ok.
all_ok() {
    [ "$(grep -c '^ok ' <<<"$output")" -eq "$(sed -n 's/^1\.\.//p' <<<"$output" | paste -sd+ | bc)" ]
    ! grep -q '^not ok' <<<"$output"
}

@test "every lesson plays from its first step to its last, into every format" {
    run "$TEACHROOT" play 0 1 2 3 4 5 6 7 8 --format text,tap,json,junit,md,html,cast,ipynb -o "$DIR/played"
    echo "$output"
    [ "$status" -eq 0 ]
    for suffix in txt tap jsonl xml md html cast ipynb; do
        find "$DIR/played" -size +0 -name "0?-*.$suffix" -not -name '*.terminal-*' >"$DIR/files"
        [ "$(wc -l <"$DIR/files")" -eq 9 ]
    done
    output=$(cat "$DIR"/played/*.tap)
    all_ok
    cat "$DIR"/played/*.jsonl | python3 "$TEACHROOT_SOURCE/tests/validate.py" "$TEACHROOT_SOURCE/docs/play.schema.json"
    xmllint --noout --schema "$TEACHROOT_SOURCE/tests/junit.xsd" "$DIR"/played/*.xml
    for notebook in "$DIR"/played/*.ipynb; do jq -e '.nbformat == 4 and .nbformat_minor == 5' "$notebook"; done
}

@test "a step fails before its solution and passes after it" {
    run "$TEACHROOT" test 0 1 2 3 4 5 7 8
    echo "$output"
    [ "$status" -eq 0 ]
}

@test "an ordinary user's steps fail before their solutions and pass after them" {
    run as_learner "$DIR/bin/teachroot test 0 1 2 3 4 5 7 8 --format tap"
    echo "$output"
    [ "$status" -eq 0 ]
    all_ok
}

@test "a lesson of nested shells and several terminals can be entered at its end, the steps before it done again" {
    export XDG_STATE_HOME=$DIR/state
    for lesson in 3 4 5; do
        steps=$(grep -c '^## ' "$TEACHROOT_SOURCE/lessons/0$lesson"-*.md)
        run bash -c "{ sleep 2; echo why; } | timeout 120 '$TEACHROOT' --plain $lesson $steps"
        echo "$output"
        [ "$status" -eq 0 ]
        [[ $output == *"Step $steps of $steps: On your own"*"What this step waits for"* ]]
        [[ $output != *"replaying step"* ]]
    done
}

@test "a lesson that cannot be done here says why, and a misspelt need is a mistake in it" {
    missing=$("$TEACHROOT" doctor | awk '$1 == "✗" { print $3; exit }')
    printf -- '---\nrequires: %s\n---\n\n## One\n\n```bash\ntrue\n```\n' "${missing:-userns}" >"$DIR/needs.md"
    if [ -n "$missing" ]; then
        run "$TEACHROOT" --plain "$DIR/needs.md" </dev/null
        echo "$output"
        [ "$status" -eq 0 ]
        [[ ${output//$'\n'/ } == *"needs what this machine does not have: $missing: "* ]]
        [[ $output != *"You have finished"* ]]
    fi
    sed 's/requires: .*/requires: userspaces/' "$DIR/needs.md" >"$DIR/misspelt.md"
    for way in --plain play test; do
        run "$TEACHROOT" $way "$DIR/misspelt.md" </dev/null
        [ "$status" -eq 2 ]
        [[ $output == *"misspelt.md:2: "*'`userspaces`'*"teachroot doctor"* ]]
    done
}

# Every group that is not ours; of ours left_behind tells.
other_groups() {
    find /sys/fs/cgroup -name teachroot -prune -o -type d -print | sort
}

@test "a lesson that does its worst harms nothing, and the next lab is whole" {
    cat >"$DIR/worst.md" <<'LESSON'
---
title: The worst
timeout: 60s
---

## Fill the disk

```bash |{"exit":"1"}
dd if=/dev/zero of=/filler bs=1M
```
<!-- check
[ "$(df --output=avail / | tail -1)" -lt 4096 ] || { echo "the disk is not full"; exit 1; }
-->

## Cover /etc

```bash
rm -f /filler; mount -t tmpfs none /etc
```
<!-- check
[ ! -e /etc/passwd ] || { echo "/etc/passwd is still there"; exit 1; }
-->

## A fork bomb

```bash |{"exit":"any","timeout":"8s"}
umount /etc; touch /bombed; :(){ :|:& };:
```

## Kill everything

```bash |{"exit":"any","timeout":"8s"}
kill -9 -1
```

## Remove everything

```bash |{"exit":"any"}
rm -rf --no-preserve-root /
```
LESSON
    sha256sum /etc/passwd /etc/hostname /bin/bash >"$DIR/before"
    cut -d' ' -f2- /proc/mounts | sort >"$DIR/mounts"
    other_groups >"$DIR/groups"
    run timeout 120 "$TEACHROOT" play "$DIR/worst.md" --keep-going
    echo "$output"
    [ "$status" -le 1 ]
    sha256sum --check --quiet "$DIR/before"
    cut -d' ' -f2- /proc/mounts | sort | diff "$DIR/mounts" -
    other_groups | diff "$DIR/groups" -
    run left_behind
    [ -z "$output" ]
    run "$TEACHROOT" play 1 --format tap
    [ "$status" -eq 0 ]
}

@test "the program killed in the middle of a lesson leaves nothing after the next start" {
    for _ in $(seq 20); do
        setsid "$TEACHROOT" play 1 >/dev/null 2>&1 3>&- &
        program=$!
        sleep "0.$((RANDOM % 60 + 10))"
        pkill -9 -s $program 2>/dev/null || true
        kill -9 $program 2>/dev/null || true
        wait $program 2>/dev/null || true
    done
    "$TEACHROOT" play 1 >/dev/null
    run left_behind
    echo "$output"
    [ -z "$output" ]
}
