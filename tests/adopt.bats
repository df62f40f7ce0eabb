# bats file_tags=play
# shellcheck disable=SC2016 # what looks like an expansion is what a README or the program says
# `teachroot adopt`: what it says of a README, and the lesson it makes of one, in real labs.

load common

setup() {
    work=$(mktemp -d)
    export XDG_STATE_HOME=$work/state
    cd "$work" || exit
}

teardown() {
    rm -rf "$work"
}

adopt() {
    run timeout -k 5 120 "$TEACHROOT" adopt --offline "$@"
    echo "status $status"
    echo "$output"
}

readme() {
    cat >README.md <<'EOF'
---
timeout: 1s
---
# Odd things

Get them with `git clone`.

## Edit

```bash
sudo mkdir -p /opt/odd && echo one | sudo tee /opt/odd/list
less /opt/odd/list
```

```sh
ssh -t root@example.org uptime
```

```
$ only shown
```

## Groups and namespaces

```sh {name=groups}
$ unshare --uts --mount bash
$ hostname oddly
$ mount -t tmpfs odd /mnt
$ sleep 4713 &
```

A veth pair:

```bash
ip link add odd0 type veth peer name odd1
```

## Serve

```bash
tail -f /opt/odd/list
```

```bash
rm /opt/odd/list
nosuchprogram-at-all
```

## Look

> # Note
> Numbers.

```bash
seq 2
```
```output
1
3
```

## License

MIT
EOF
}

@test "adopt says what runs, what wants a user, the network, another program, and runs nothing" {
    readme
    cp README.md before
    adopt --no-run README.md
    [ "$status" -eq 0 ]
    [[ $output == *'README.md: 7 blocks, 6 of them to run, 4 steps'* ]]
    [[ $output == *'line 10 '*'these keys do: Type "q"'*'sudo'*'line 15 '*'not run: it waits'*'needs the network'* ]]
    [[ $output == *'nosuchprogram-at-all'*'is not installed'* ]]
    [[ $output == *'line 19 '*'only shown: a fence without a language'* ]]
    [[ $output != *'step 1 of'* ]]
    printf '%s\n' '# R' '```sh' 'unshare --pid --fork true' '```' >ns.md
    run unshare --user --map-root-user sh -c 'echo 0 >/proc/sys/user/max_pid_namespaces; exec "$0" adopt --dry-run ns.md' "$TEACHROOT"
    echo "$output"
    [[ $output == *'0 of them to run'*'cannot run here: pidns: '* ]]
    run unshare --user --map-root-user sh -c 'echo 0 >/proc/sys/user/max_pid_namespaces; exec "$0" adopt -o ns-lesson.md ns.md' "$TEACHROOT"
    echo "$output"
    [ "$status" -eq 77 ]
    [[ $output == *'skipped here: pidns: '* ]]
    [ ! -e ns-lesson.md ]
    cmp README.md before
    [ ! -e "$work/state" ] || [ -z "$(find "$work/state" -type f)" ]
}

@test "adopt makes a lesson that passes test, with checks of what changed" {
    readme
    echo "mine" >lesson.md
    adopt -o lesson.md README.md
    [ "$status" -eq 2 ]
    [[ $output == *'`lesson.md` is there already'*'--force'* ]]
    [ "$(cat lesson.md)" = mine ]
    adopt --force -o lesson.md README.md
    [ "$status" -eq 0 ]
    [[ $output == *'step 3 of 4: Serve'*'did not end'*'Ctrl+C before line'*'it goes on'*'written'* ]]
    [[ $output == *'the README has other output'*'line 2 of the output is `2`, expected `3`'* ]]
    [[ $output == *'the lesson expects that: `exit` is `127`'* ]]
    cat lesson.md
    check() { # of the step of that title
        sed -n "/^## $1/,/^-->/p" lesson.md | sed -n '/^<!-- check/,$p'
    }
    [[ $(check Edit) == *'assert file /opt/odd/list contains one'* ]]
    [[ $(check Groups) == *'assert hostname of 1 oddly'*'assert namespace uts of 1 differs'*'assert mount /mnt type tmpfs of 1'*"assert process 'sleep 4713'"*'link show dev odd0'* ]]
    [[ $(check Serve) == *'assert not file /opt/odd/list'* ]]
    [[ $(check Look) == *"assert last command '*seq 2*' && assert last exit 0"* ]]
    grep -q '^mkdir -p /opt/odd && echo one | tee /opt/odd/list$' lesson.md
    grep -qF '```bash |{"interrupt":"true","exit":"127"}' lesson.md
    grep -q '^### License' lesson.md
    run timeout 60 "$TEACHROOT" test --offline --format tap lesson.md
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(grep -c '^ok' <<<"$output")" -eq 4 ]
}

@test "adopt refuses what is no README with file and line, and what changes each time" {
    adopt
    [ "$status" -eq 2 ]
    [[ $output == *'which file? `teachroot adopt README.md`'* ]]
    adopt none.md
    [ "$status" -eq 2 ]
    [[ $output == *'none.md'*'No such file'* ]]
    printf '%s\n' '# R' '' '```sh' 'ls' >open.md
    adopt open.md
    [ "$status" -eq 2 ]
    [[ $output == *'open.md:3: a code block that never ends'* ]]
    printf '%s\n' '## S' '```sh' 'ls' '```' '<!-- check' 'true' '-->' >lesson.md
    adopt lesson.md
    [ "$status" -eq 2 ]
    [[ $output == *'is a lesson already'* ]]
    adopt -o nowhere/lesson.md open.md
    [ "$status" -eq 2 ]
    [[ $output == *'nowhere'*'No such file'* ]]
    printf '%s\n' '# R' '```sh' 'ssh somewhere' '```' >ssh.md
    adopt ssh.md
    [ "$status" -eq 2 ]
    [[ $output == *'no block that can be run'* ]]
    printf '%s\n' '# R' '```sh' 'exit' 'touch /tmp/a' '```' '```sh' 'touch /tmp/b' '```' >exit.md
    adopt -o exit-lesson.md exit.md
    [ "$status" -eq 0 ]
    [[ $output == *'assert file /tmp/b'*'line 2 is only shown: the shell of terminal 1 ended with `exit`'* ]]
    grep -A 1 '^```text$' exit-lesson.md | grep -qx exit
    adopt --timeout 1 -o slow.md <(printf '%s\n' '# R' '```sh' 'sleep 20' '```')
    [ "$status" -eq 3 ]
    [[ $output == *'did not end in 1 s (--timeout)'* ]]
    printf '%s\n' '# R' '```sh' 'hostname >/tmp/name; case $(hostname) in proof-*) false;; esac' '```' >other.md
    adopt -o made.md other.md
    [ "$status" -eq 1 ]
    [[ $output == *'other.md:2: not the same the second time: '* ]]
    [ ! -e made.md ]
}
