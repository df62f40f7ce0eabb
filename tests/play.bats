# bats file_tags=play
# shellcheck disable=SC2016 # what looks like an expansion is what the lesson or the program says
# Headless playback: what `teachroot play` and `teachroot test` promise, on lessons written here, in real labs.

# What takes its time by waiting waits beside the other tests.
setup_file() {
    export BESIDE
    BESIDE=$(mktemp -d)
    local work=$BESIDE
    cd "$BESIDE" || exit
    lesson hang <<'EOF'
# Hang

Words.

## One

```bash
true
```
<!-- check
sleep 100
-->
EOF
    lesson slow <<'EOF'
# Slow

Words.

## Minds Ctrl-C

```bash |{"timeout":"1s"}
sleep 60
```
<!-- check
true
-->

## Does not

```bash |{"timeout":"1s"}
sh -c 'trap "" INT; while :; do sleep 1; done'
```
<!-- check
true
-->

## The shell is as good as before

```bash
echo still here
```
```output
still here
```
<!-- check
true
-->
EOF
    lesson dies <<'EOF'
# Dies

Words.

## One

```bash
touch /root/one
```
<!-- check
test -e /root/one
-->

## Two

```bash |{"replay":"skip"}
kill -9 -1; kill -9 1; sleep 2
```
<!-- check
true
-->

## Three

```bash
ls /root/one
```
<!-- check
test -e /root/one
-->
EOF
    play_beside hang
    play_beside slow --keep-going
    play_beside dies --keep-going
}

teardown_file() {
    rm -rf "$BESIDE"
}

# Play lesson $1 with the options that follow, not to be waited for here.
play_beside() {
    local name=$1
    shift
    (
        start=$SECONDS status=0
        XDG_STATE_HOME=$BESIDE/state timeout -k 5 120 "$TEACHROOT" play "$@" "$name.md" >"$name.out" 2>&1 || status=$?
        echo "$status $((SECONDS - start))" >"$name.part" && mv "$name.part" "$name.status"
    ) 3>&- >/dev/null 2>&1 &
}

# … but here: $status, $took in seconds, $output.
played_beside() {
    local i
    for ((i = 0; i < 600; i++)); do [ ! -e "$BESIDE/$1.status" ] || break; sleep 0.1; done
    read -r status took <"$BESIDE/$1.status"
    output=$(cat "$BESIDE/$1.out")
    echo "status $status after $took s"
    echo "$output"
}

setup() {
    work=$(mktemp -d)
    export XDG_STATE_HOME=$work/state
    cd "$work" || exit
}

teardown() {
    rm -rf "$work"
}

lesson() {
    cat >"$work/$1.md"
}

play() {
    run timeout -k 5 120 "$TEACHROOT" play "$@"
    echo "status $status"
    echo "$output"
}

prove_lesson() {
    run timeout -k 5 120 "$TEACHROOT" test "$@"
    echo "status $status"
    echo "$output"
}

@test "a lesson plays: title, commands, their real output, and the check's word" {
    lesson good <<'EOF'
---
title: A good lesson
---
Words.

## Make a directory

```bash
mkdir /root/there
ls -d /root/there
```
```output
/root/there
```
<!-- check
test -d /root/there || { echo "there is no /root/there"; exit 1; }
-->

## Count what the kernel says

```bash
echo $((6 * 7)) $(uname)
```
<!-- check
test -d /root/there
-->
EOF
    play good.md
    [ "$status" -eq 0 ]
    [[ $output == *"A good lesson"* ]]
    [[ $output == *"1. Make a directory"* ]]
    [[ $output == *'$ mkdir /root/there'*'$ ls -d /root/there'*$'\n/root/there\n'*'ok: the check passes'* ]]
    [[ $output == *'$ echo $((6 * 7)) $(uname)'$'\n42 Linux\n'* ]]
    [[ $output == *"2 passed, 0 failed"* ]]
}

@test "what the check says when it fails is told, and the rest of the lesson is not run" {
    lesson bad <<'EOF'
# Bad

Words.

## One

```bash
true
```
<!-- check
printf 'nothing \033[31mwas made\033[0m\n'; exit 1
-->

## Two

```bash
touch /root/two
```
<!-- check
test -e /root/two
-->
EOF
    play bad.md
    [ "$status" -eq 1 ]
    [[ $output == *"not ok: the check does not pass: nothing was made"* ]]
    [[ $output == *"not run: step 1 failed"* ]]
    [[ $output != *'$ touch'* ]]
    play --keep-going bad.md
    [ "$status" -eq 1 ]
    [[ $output == *'$ touch'*"1 passed, 1 failed"* ]]
}

@test "TAP: a point a step, diagnostics as YAML, skips with their reason" {
    lesson tap <<'EOF'
# Points

Words.

## Number \#1

```bash
echo "a \"quoted\" line"
```

## Two

```bash
echo one; echo two; false
```
<!-- check
true
-->

## Three
EOF
    play --format tap tap.md
    [ "$status" -eq 1 ]
    [ "${lines[0]}" = "TAP version 13" ]
    [ "${lines[1]}" = "1..3" ]
    [[ $output == *$'\nok 1 - Points: Number \\#1'* ]]
    [[ $output == *$'\nnot ok 2 - '*$'\n  ---\n'* ]]
    [[ $output == *'status: 1'* ]]
    [[ $output == *'output: "one\ntwo\n"'* ]]
    [[ $output == *'ok 3 - '*'# SKIP step 2 failed'* ]]
    echo "$output" >out.tap
    run prove --exec cat out.tap
    echo "$output"
    [ "$status" -ne 0 ]
    [[ $output == *"Failed test:"*2* ]]
}

@test "the working directory, variables and functions last from block to block" {
    lesson persist <<'EOF'
# Persist

Words.

## One

```bash
cd /tmp
colour=blue
shout() { echo "$1!"; }
```
<!-- check
true
-->

## Two

```bash
pwd
shout $colour
```
```output
/tmp
blue!
```
<!-- check
true
-->
EOF
    play persist.md
    [ "$status" -eq 0 ]
}

@test "an exit status is what the block states, or the step fails" {
    lesson exits <<'EOF'
# Exits

Words.

## As stated

```bash |{"exit":"3"}
(exit 3)
```
```bash |{"exit":"!0"}
ls /nowhere
```
```bash |{"exit":"signal:KILL"}
sh -c 'kill -9 $$'
```
```bash |{"exit":"any"}
false
```
<!-- check
true
-->

## Not as stated

```bash |{"exit":"4"}
(exit 5)
```
<!-- check
true
-->
EOF
    play exits.md
    [ "$status" -eq 1 ]
    [[ $output == *"1. As stated"*"ok: the check passes"* ]]
    [[ $output == *"not ok: line "*"ended with status 5, and should end with"*4* ]]
}

@test "a command before the last of a block that fails is not passed over" {
    lesson middle <<'EOF'
# Middle

Words.

## One

```bash
false
true
```
<!-- check
true
-->
EOF
    play middle.md
    [ "$status" -eq 1 ]
    [[ $output == *'`false` ended with status 1'* ]]
}

@test "a line the shell refuses is a failure" {
    lesson syntax <<'EOF'
# Syntax

Words.

## One

```bash
echo a )
```
<!-- check
true
-->
EOF
    play syntax.md
    [ "$status" -eq 1 ]
    [[ $output == *"status 2"* ]]
}

@test "output that is not as stated fails the step and says the first difference" {
    lesson differs <<'EOF'
# Differs

Words.

## One

```bash
echo apples; echo 12 pears
```
```output
apples
[0-9]+ plums (re)
```
<!-- check
true
-->
EOF
    play differs.md
    [ "$status" -eq 1 ]
    [[ $output == *"12 pears"* ]]
    [[ $output == *"plums"* ]]
}

@test "output is what the command printed: no echo, no prompt, no colours, no carriage returns" {
    lesson clean <<'EOF'
# Clean

Words.

## One

```bash
printf '\033[31mred\033[0m\r\nplain\n'; printf 'no newline'
```
```output
red
plain
no newline
```
```bash
: nothing
```
```output
```
```bash
cat <<END
a line
  another
END
```
```output
a line
  another
```
<!-- check
true
-->
EOF
    play clean.md
    [ "$status" -eq 0 ]
}

@test "a nested shell takes over, and exit gives the outer one back" {
    lesson nested <<'EOF'
# Nested

Words.

## In

```bash
depth=outer
bash
```
```bash
depth=inner
echo $depth $SHLVL
```
<!-- check
true
-->

## Out

```bash
exit
```
```bash
echo $depth
```
```output
outer
```
<!-- check
true
-->

## A new root, by namespaces

```bash
unshare --mount --uts --pid --fork --mount-proc bash
```
```bash
hostname inside; hostname; echo $$
```
```output
inside
1
```
```bash
exit
hostname
```
<!-- check
test "$(hostname)" != inside
-->
EOF
    play nested.md
    [ "$status" -eq 0 ]
    [[ $output == *"inner 2"* || $output == *"inner 3"* ]]
}

@test "a shell without marks (dash) is known by its prompt" {
    lesson dash <<'EOF'
# Dash

Words.

## In and out

```bash
sh
```
```bash
echo $0
```
```output
sh
```
```bash
exit
echo ${BASH##*/}
```
```output
bash
```
<!-- check
true
-->
EOF
    play dash.md
    [ "$status" -eq 0 ]
}

@test "keys are typed into an interactive program, each when it is ready" {
    lesson keys <<'EOF'
# Keys

Words.

## Ask

```bash |{"interactive":"true"}
read -p 'name? ' name; read -p 'colour? ' colour; echo "<$name likes $colour>"
```
```keys
Wait /name\? $/
Type "ada"
Enter
Wait /colour\?/
Type "blue"
Enter
```
```bash |{"interactive":"true","exit":"130"}
sleep 60
```
```keys
Ctrl+C
```
```bash
echo "$name $colour"
```
```output
ada blue
```
<!-- check
true
-->
EOF
    play keys.md
    [ "$status" -eq 0 ]
    [[ $output == *"<ada likes blue>"* ]]
}

@test "a background command is up when it says so, and goes on while others run" {
    lesson background <<'EOF'
# Background

Words.

## Watch a file

```bash |{"terminal":"2","background":"true","ready":"first*"}
echo first >/tmp/log; tail -f /tmp/log
```
```bash
echo second >>/tmp/log
pgrep -x tail >/dev/null && echo runs
```
```output
runs
```
<!-- check
[ "$(cat /proc/$TEACHROOT_TERMINAL_2/comm)" = tail ] || { echo "terminal 2 has $TEACHROOT_TERMINAL_2"; exit 1; }
-->

## One that never is

```bash |{"terminal":"3","background":"true","ready":"never","timeout":"1s"}
sleep 50
```
<!-- check
true
-->
EOF
    play background.md
    [ "$status" -eq 1 ]
    [[ $output == *"[2]$ echo first"* ]]
    [[ $output == *"1. Watch a file"*"ok: the check passes"* ]]
    [[ $output == *"did not end in 1 s"* || $output == *"not ready"* ]]
}

@test "two terminals are two shells in one lab" {
    lesson two <<'EOF'
# Two

Words.

## Two

```bash
me=one; hostname shared; tty
```
```output
/dev/pts/0
```
```bash |{"terminal":"2"}
echo "[$me]"; hostname; tty
```
```output
[]
shared
/dev/pts/1
```
<!-- check
[ "$TEACHROOT_TERMINAL_1" != "$TEACHROOT_TERMINAL_2" ] && [ "$(cat /proc/$TEACHROOT_TERMINAL_2/comm)" = bash ]
-->
EOF
    play two.md
    [ "$status" -eq 0 ]
}

@test "scripts run by themselves, files are written where the shell is, questions are shown with their answers" {
    lesson kinds <<'EOF'
# Kinds

Words.

## All of them

```bash
mkdir /root/work; cd /root/work
```
```text |{"type":"file","name":"notes/a.txt"}
line one
$HOME `not run` 'quoted'
```
```bash |{"type":"script"}
set -e
for i in 1 2 3; do echo "item $i"; done
pwd
```
```output
item 1
item 2
item 3
/root/work
```
```quiz
What does `true` return?

( ) 1 — that is false
(x) 0 — success
```
```bash
cat notes/a.txt
```
```output
line one
$HOME `not run` 'quoted'
```
<!-- check
test -f /root/work/notes/a.txt
-->
EOF
    play kinds.md
    [ "$status" -eq 0 ]
    [[ $output == *"? What does"*"(x) 0 — success"* ]]
}

@test "a check sees the last command and its status, of this step only" {
    lesson sees <<'EOF'
# Sees

Words.

## One

```bash |{"exit":"3"}
(exit 3) # marked
```
<!-- check
[ "$TEACHROOT_LAST_STATUS" = 3 ] && [ "$TEACHROOT_LAST_COMMAND" = "(exit 3) # marked" ] && [ "$TEACHROOT_STEP" = 1 ] || { env | grep TEACHROOT; exit 1; }
-->

## Two

Nothing to type.

<!-- check
[ -z "$TEACHROOT_LAST_COMMAND" ] && [ "$TEACHROOT_STEP" = 2 ]
-->
EOF
    play sees.md
    [ "$status" -eq 0 ]
}

@test "setup and teardown run, and a setup that fails fails the step" {
    lesson setups <<'EOF'
# Setups

<!-- setup
echo lesson >/tmp/lesson
-->

## One

<!-- setup
echo one >/tmp/one
-->
```bash
cat /tmp/lesson /tmp/one
```
```output
lesson
one
```
<!-- check
true
-->
<!-- teardown
rm /tmp/one
-->

## Two

<!-- setup
echo "no such disk" >&2; false
-->
```bash
ls /tmp/one || true
```
<!-- check
test ! -e /tmp/one
-->
EOF
    play setups.md
    [ "$status" -eq 1 ]
    [[ $output == *"1. One"*"ok: the check passes"* ]]
    [[ $output == *"no such disk"* ]]
}

@test "a malformed lesson is refused with file and line before anything runs: exit 2" {
    lesson malformed <<'EOF'
# Malformed

Words.

## One

```bash |{"termnal":"1"}
touch /tmp/x
```
<!-- check
true
-->
EOF
    lesson fine <<'EOF'
# Fine

Words.

## One

```bash
echo ran
```
<!-- check
true
-->
EOF
    play fine.md malformed.md
    [ "$status" -eq 2 ]
    [[ $output == *"malformed.md:7: "*termnal* ]]
    [[ $output != *ran* ]]
    play nowhere.md
    [ "$status" -eq 2 ]
    [[ $output == *nowhere.md* ]]
}

@test "a feature no one knows is a mistake of the lesson: exit 2" {
    lesson unknown <<'EOF'
---
title: Unknown
requires: warpdrive
---
Words.

## One

```bash
true
```
<!-- check
true
-->
EOF
    play unknown.md
    [ "$status" -eq 2 ]
    [[ $output == *"unknown.md:"*warpdrive* ]]
}

@test "bad options are refused: exit 2" {
    local args
    for args in "" "--format pretty x.md" "--timeout never x.md" "--timeout 0 x.md" "--bogus x.md" "--format"; do
        # shellcheck disable=SC2086 # words are meant
        play $args
        [ "$status" -eq 2 ]
        [[ $output == "teachroot play: "* ]]
    done
}

@test "a README without a word for us plays: each block a step" {
    lesson README <<'EOF'
# A project

Install it:

```sh
$ mkdir -p /opt/project
$ cd /opt/project
```

and use it:

```bash
pwd
```

```console
$ echo hello
hello
```

```json
{"not": "run"}
```
EOF
    play README.md
    [ "$status" -eq 0 ]
    [[ $output == *$'\n/opt/project\n'* ]]
    [[ $output == *"3 passed, 0 failed"* ]]
}

@test "a Docable README plays: type, path and user" {
    lesson docable <<'EOF'
# Docable

```bash | {type: 'command', path: '/usr/share'}
pwd
```

```bash | {type: 'command', user: 'nobody'}
id -un
```

```bash | {type: 'file', path: 'made.txt'}
some text
```

```bash | {type: 'command', failed_when: 'exitCode == 0'}
false
```
EOF
    play docable.md
    [ "$status" -eq 0 ]
    [[ $output == *$'\n/usr/share\n'* ]]
    [[ $output == *$'\nnobody\n'* ]]
}

@test "Ctrl-C stops at once and leaves nothing: exit 130" {
    lesson long <<'EOF'
# Long

Words.

## One

```bash
sleep 98765
```
<!-- check
true
-->
EOF
    "$TEACHROOT" play long.md >out 2>&1 &
    local pid=$! i
    for ((i = 0; i < 100; i++)); do
        pgrep -fx 'sleep 98765' && break
        sleep 0.1
    done
    pgrep -fx 'sleep 98765'
    local start=${EPOCHREALTIME/./}
    # A background job of a script ignores SIGINT; SIGTERM takes the same way.
    kill -TERM "$pid"
    local status=0
    wait "$pid" || status=$?
    local took=$((${EPOCHREALTIME/./} - start))
    cat out
    echo "status $status after $took µs"
    [ "$status" -eq 130 ]
    ((took < 2000000))
    run pgrep -fx 'sleep 98765'
    [ -z "$output" ]
    run pgrep -P "$pid"
    [ -z "$output" ]
}

@test "a lesson that takes longer than --timeout is given up" {
    lesson long <<'EOF'
# Long

Words.

## One

```bash
sleep 60
```
<!-- check
true
-->
EOF
    play --timeout 2 long.md
    [ "$status" -eq 1 ]
    [[ $output == *"did not end in 2 s (--timeout)"* ]]
}

@test "a lab without its programs is a step like another: the checks then fail and say why" {
    lesson wreck <<'EOF'
# Wreck

Words.

## One

```bash |{"exit":"any","timeout":"60s"}
rm -rf --no-preserve-root /bin/ /usr/bin /lib64 2>/dev/null
```
<!-- check
test -e /usr/bin/ls
-->
EOF
    play wreck.md
    [ "$status" -eq 1 ]
    [[ $output == *"not ok"*"bash"* ]]
    [ -e /usr/bin/ls ]
}

@test "test proves that a check fails before its step and passes after" {
    lesson proof <<'EOF'
# Proof

Words.

## Good

```bash
touch /root/proof
```
<!-- check
test -e /root/proof || { echo "no /root/proof yet"; exit 1; }
-->

## Vacuous

```bash
touch /root/other
```
<!-- check
true
-->
EOF
    prove_lesson proof.md
    [ "$status" -eq 1 ]
    [[ $output == *"fails before: no /root/proof yet"*"passes after"* ]]
    [[ $output == *"2. Vacuous"*"not ok: its check passes before the step was done"* ]]
    [[ $output == *"warning: step 1 has no hint"* ]]
    [[ $output == *"warning: step 1 has no notes"* ]]
    prove_lesson --format tap proof.md
    [ "$status" -eq 1 ]
    [[ $output == *$'\nok 1 - '*$'\nnot ok 2 - '* ]]
}

@test "test refuses a wrong answer without its reason" {
    lesson quiz <<'EOF'
# Quiz

Words.

## One

```quiz
Two and two?

( ) 3
(x) 4 — yes
```
EOF
    prove_lesson quiz.md
    [ "$status" -eq 1 ]
    [[ $output == *'the wrong answer `3` has no reason'* ]]
}

@test "playing does not touch progress" {
    lesson short <<'EOF'
# Short

Words.

## One

```bash
true
```
<!-- check
true
-->
EOF
    play short.md
    [ "$status" -eq 0 ]
    [ ! -e "$XDG_STATE_HOME/teachroot/progress.json" ]
}

@test "verbs: help, version, and a word for a slip of the finger" {
    run "$TEACHROOT" --version
    [ "$status" -eq 0 ]
    [[ $output == "teachroot "[0-9]* ]]
    run "$TEACHROOT" help
    [ "$status" -eq 0 ]
    [[ $output == *play*test*lessons*lab* ]]
    run "$TEACHROOT" help play
    [ "$status" -eq 0 ]
    [[ $output == "usage: teachroot play "* ]]
    run "$TEACHROOT" lesons
    [ "$status" -eq 2 ]
    [[ $output == *'did you mean `teachroot lessons`?'* ]]
    run "$TEACHROOT" help frobnicate
    [ "$status" -eq 2 ]
}

@test "lessons lists number, title, progress, and what to type to go on" {
    mkdir lessons
    cat >lessons/01-first.md <<'EOF'
# First

Words.

## One

```bash
true
```
<!-- check
true
-->
EOF
    cat >lessons.md <<'EOF'
# Lessons

| # | lesson | about |
|---|---|---|
| 1 | [First](lessons/01-first.md) | the first |
EOF
    TEACHROOT_LESSONS=$work run "$TEACHROOT" lessons
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *"1  First"*"0/1"*"to go on: teachroot 1"* ]]
    TEACHROOT_LESSONS=$work run "$TEACHROOT" lessons --json
    [ "$status" -eq 0 ]
    [ "$(jq -r '.[0] | "\(.number) \(.title) \(.passed)/\(.steps)"' <<<"$output")" = "1 First 0/1" ]
    TEACHROOT_LESSONS=$work run timeout 60 "$TEACHROOT" play 1
    echo "$output"
    [ "$status" -eq 0 ]
}

@test "what this machine lacks skips the step with its reason, and a lesson of nothing else: exit 77" {
    lesson lacks <<'EOF'
---
title: Lacks
requires: ldd
---
Words.

## One

```bash
echo ran
```
<!-- check
true
-->
EOF
    # Where ldd is no program that can be run.
    local format
    for format in text tap; do
        # shellcheck disable=SC2016 # expanded inside
        run unshare --user --map-root-user --mount sh -c 'mount --bind /dev/null "$(command -v ldd)" && exec "$@"' - "$TEACHROOT" play --format "$format" lacks.md
        echo "status $status"
        echo "$output"
        [ "$status" -eq 77 ]
        [[ $output != *'$ echo ran'* ]]
        [[ $output == *"ldd: "*"libc-bin"* ]]
    done
    [[ $output == *"ok 1 - Lacks: One # SKIP ldd: "* ]]
}

@test "several formats of one run go to a directory, a whole file each" {
    printf '## One\n\n```bash\ntrue\n```\n\n## Two\n\n```bash\ntrue\n```\n' | lesson several
    play several.md --format text,tap -o out
    [ "$status" -eq 0 ]
    [ "$(echo out/*)" = "out/several.tap out/several.txt" ]
    [[ "$output" == *"wrote out/several.txt"* ]]
    play several.md --format tap
    diff out/several.tap <(echo "$output")
}

@test "standard output takes one format, and a run that is cut short leaves no file" {
    printf '## Sleep\n\n```bash\ntouch /began; sleep 60\n```\n' | lesson sleep
    play sleep.md --format text,tap
    [ "$status" -eq 2 ]
    [[ "$output" == *"-o DIR"* ]]
    mkdir out
    "$TEACHROOT" play sleep.md -o out >said &
    until grep -q Sleep said; do sleep 0.05; done
    kill -9 $!
    [ -z "$(ls -A out)" ]
}

@test "a command that does not end in its time is interrupted, and what does not mind that is killed" {
    played_beside slow
    [ "$status" -eq 1 ]
    ((took < 15))
    [[ $output == *'`sleep 60` did not end in 1 s'* ]]
    [[ $output == *"3. The shell is as good"*"ok: the check passes"*"1 passed, 2 failed"* ]]
}

@test "a command that ends the lab fails its step, and the next one gets a new lab" {
    played_beside dies
    # Whether a lab's root can end its own init is the lab's to say; either way step 3 has what step 1 made.
    [[ $output == *"3. Three"*"/root/one"*"ok: the check passes"* ]]
}

@test "a check that hangs is ended, and says so" {
    played_beside hang
    [ "$status" -eq 1 ]
    [[ $output == *"the check did not end in 10 s"* ]]
}
