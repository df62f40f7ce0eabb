#!/usr/bin/env bats
# teachroot --plain: a lesson in words and in order, from a pipe and on a terminal.

setup() {
    export XDG_STATE_HOME="$BATS_TEST_TMPDIR/state"
    lesson="$BATS_TEST_TMPDIR/01-first.md"
    cat >"$lesson" <<'LESSON'
---
title: A first lesson
---
# A first lesson

An introduction.

## Make a file

> quoted words

```bash
touch /root/made
```
<!-- check
[ -e /root/made ] || { echo "There is no /root/made yet."; exit 1; }
-->
<details><summary>Hint</summary>

`touch` makes files.

</details>

## A question

```quiz
Which number is even?
( ) one — it is odd
(x) two — the half of it is one
```

## Last

```bash
echo done > /root/done
```
<!-- check
[ -e /root/done ] || { echo "There is no /root/done yet."; exit 1; }
-->
LESSON
}

plain() {
    printf '%s\n' "$@" | timeout 60 "$TEACHROOT" --plain "$lesson"
}

@test "a piped lesson is worked through from its first step to its last" {
    run plain 'touch /root/made' next 'answer 2' next 'echo done > /root/done' next
    [ "$status" -eq 0 ]
    [[ "$output" == *"Step 1 of 3: Make a file"*"# touch /root/made"*"Step 2 of 3: A question"*"Right."*"the half of it is one"*"Step 3 of 3: Last"*"You have finished this lesson"* ]]
}

@test "a step that is not done does not let go on, and says what it waits for" {
    run plain 'true' next
    [ "$status" -eq 0 ]
    [[ "$output" == *"There is no /root/made yet."* ]]
    [[ "$output" != *"Step 2 of 3"* ]]
}

@test "a wrong answer is said to be wrong, with its reason" {
    run plain 'touch /root/made' next 'answer 1'
    [[ "$output" == *"Not that"*"it is odd"* ]]
}

@test "what a test expects is not shown, and nothing tells the answer of a question before it is given" {
    printf '%s\n' '# T' '' '## S' '' '```bash' 'echo one' '```' '```output' '/secret[0-9]/' '```' '' '```quiz' 'First?' '( ) a — no' '(x) b — yes' '```' \
        '' '```quiz' 'Second?' '[x] c — yes' '[ ] d — no' '```' '' '<!-- check' 'false' '-->' >"$lesson"
    run plain true
    [ "$status" -eq 0 ]
    [[ "$output" == *"Second?"* && "$output" != *secret* && "$output" != *"(right)"* ]]
}

@test "words after a question, which may give its answer, come when it is answered" {
    printf '%s\n' '# T' '' '## S' '' '```quiz' 'First?' '( ) a — no' '(x) b — yes' '```' '' 'It is b because.' '' '> quoted b' '' '```bash' 'echo one' '```' '' \
        '```quiz' 'Second?' '(x) c — yes' '( ) d — no' '```' '' 'It is c because.' '' '<!-- check' 'false' '-->' >"$lesson"
    run plain true
    [[ "$output" == *"First?"*"echo one"*"Second?"* && "$output" != *because* && "$output" != *"quoted b"* ]]
    run plain 'answer 1' 'answer 2' 'echo between' 'answer 1'
    [[ "$output" == *"Right."*"It is b because."*"quoted b"*$'\nbetween\n'*"Right."*"It is c because."* ]]
    [[ "$output" != *"because."*"Right."*"It is b because."* ]]
}

@test "a goto that names no step is an error and nothing for the shell" {
    run plain 'goto x' goto 'goto 9' 'terminal x'
    [ "$status" -eq 0 ]
    [[ "$output" == *"goto needs a step's number; type for example goto 2"*"this lesson has steps 1 to 3"*"terminal needs a number"* ]]
    [[ "$output" != *"not found"* ]]
}

@test "what the lesson calls a solution is called one, and the command after it is shown as it is typed" {
    printf '%s\n' '# T' '' '## S' '' '```bash' 'echo *a* _b_' '```' '' '<details><summary>Hint</summary>' '' 'One.' '' '</details>' '' \
        '<details><summary>Solution</summary>' '' 'Two.' '' '</details>' >"$lesson"
    run plain hint hint hint
    [[ "$output" == *$'Hint:\nOne.\n'*$'Solution:\nTwo.\n'*$'Type:\n    echo *a* _b_'* ]]
}

@test "hidden blocks are not shown" {
    printf '%s\n' '# T' '' '## S' '' 'Find it out.' '' '```bash |{"hidden":"true"}' 'echo se''cret > /root/found' '```' '<!-- check' 'test -e /root/found' '-->' >"$lesson"
    run plain why
    [ "$status" -eq 0 ]
    [[ "$output" == *"Find it out."* && "$output" != *secret* ]]
}

@test "a finished lesson offers the next one, and next opens it" {
    printf '%s\n' '# The other lesson' '' '## Do nothing' '' '```bash' 'true' '```' >"$BATS_TEST_TMPDIR/02-other.md"
    printf '%s\n' '| # | lesson | what |' '|---|---|---|' "| 1 | [First](01-first.md) | a |" '| 2 | [Other](02-other.md) | b |' >"$BATS_TEST_TMPDIR/lessons.md"
    export TEACHROOT_LESSONS="$BATS_TEST_TMPDIR/lessons.md"
    run plain 'touch /root/made' next 'answer 2' next 'echo done > /root/done' next
    [[ "$output" == *"You have finished this lesson"* ]]
    run plain 'ls /root/made' next
    [ "$status" -eq 0 ]
    [[ "$output" == *"You have finished this lesson"*"Type next for the next lesson"*"No such file"*"Step 1 of 1: Do nothing"* ]]
    run timeout 60 "$TEACHROOT" --plain <<<'true'
    [ "$status" -eq 0 ]
    [[ "$output" == *"Step 1 of 1: Do nothing"* && "$output" != *"You have finished"* ]]
}

@test "a wrecked lab is said to be broken, and reset makes a fresh one" {
    run plain 'rm -rf --no-preserve-root /usr/bin' next reset 'touch /root/made' next
    [ "$status" -eq 0 ]
    [[ "$output" == *"The lab is broken: its bash is gone. reset builds a fresh one."*"Step 2 of 3"* ]]
    [[ "$output" != *"run bash in the lab"* ]]
}

@test "hints, help and what the shell prints come in the order they were asked for" {
    run plain 'echo one' hint 'explain unshare --pid | wc' 'explain xyzzy' 'echo two'
    [[ "$output" == *"unshare: run a program in new namespaces"*"--pid: new pid namespace"*"Syscall: unshare(CLONE_NEWPID)"*"what the left one prints"*"wc: count lines"*"Nothing is known of the words of xyzzy"* ]]
    [[ "$output" == *$'\none\n'*"touch makes files."*$'\ntwo'* ]]
    run plain help
    [[ "$output" == *"goto N: "* ]]
}

@test "nested shells get lines too, and end with the input" {
    run plain 'bash --norc' 'echo level $SHLVL'
    [ "$status" -eq 0 ]
    [[ "$output" == *"level 2"* ]]
}

@test "nothing but plain characters is written" {
    run plain 'ls --color=always /' 'printf "\033]0;title\007\033[31mred\033[0m\n"'
    [[ "$output" == *"red"* ]]
    ! grep -q $'\033\|\007\|\b\|[─│┌┐└┘├┤┬┴┼]' <<<"$output"
}

@test "lines come from a file as well" {
    printf 'touch /root/made\nnext\n' >"$BATS_TEST_TMPDIR/lines"
    run timeout 60 "$TEACHROOT" --plain "$lesson" <"$BATS_TEST_TMPDIR/lines"
    [ "$status" -eq 0 ]
    [[ "$output" == *"Step 2 of 3"* ]]
}

@test "a malformed lesson is exit status 2 with its file and line" {
    printf '# T\n\n## S\n\n```bash |{"termnal":"1"}\ntrue\n```\n' >"$lesson"
    run timeout 20 "$TEACHROOT" --plain "$lesson" </dev/null
    [ "$status" -eq 2 ]
    [[ "$output" == *"01-first.md:5: "* ]]
}

@test "a lesson that is not there is said not to be" {
    run timeout 20 "$TEACHROOT" --plain 99 </dev/null
    [ "$status" -eq 1 ]
    [[ "$output" == "teachroot: find lesson \`99\`: there is none of that number"* ]]
}

@test "on a terminal the line is edited, shown once, and programs get the keys" {
    run timeout 60 python3 - "$TEACHROOT" "$lesson" <<'PYTHON'
import os, pty, select, sys, time
pid, fd = pty.fork()
if pid == 0:
    os.environ["TERM"] = "dumb"
    os.execv(sys.argv[1], [sys.argv[1], "--plain", sys.argv[2]])
seen = b""
read_to = 0
def wait(for_what):
    global seen, read_to
    end = time.time() + 20
    while for_what not in seen[read_to:]:
        if time.time() > end:
            sys.exit("no %r in %r" % (for_what, seen))
        if select.select([fd], [], [], 0.1)[0]:
            try:
                seen += os.read(fd, 4096)
            except OSError:
                sys.exit("ended: %r" % seen)
    read_to = seen.index(for_what, read_to) + len(for_what)
def type(keys, for_what):
    os.write(fd, keys)
    wait(for_what)
wait(b":~# ")
type(b"echo aXc\x02\x02\x04b\r", b"\nabc\r\n")
wait(b":~# ")
type(b"read line; echo got $line\r", b"\n")
time.sleep(0.5)
type(b"typed to read\r", b"got typed to read")
wait(b":~# ")
type(b"hint\r", b"There is no /root/made yet.") # the failed check's own words, then the lesson's, then the command: typed and not run
wait(b":~# ")
type(b"hint\r", b"touch makes files.")
wait(b":~# ")
type(b"hint\r", b"The command is on the line: Enter runs it.")
wait(b":~# touch /root/made")
type(b"\r", b"Step 1 passed. Type next to go on.")
wait(b":~# ")
type(b"next\r", b"Step 2 of 3: A question")
wait(b":~# ")
type(b"cat\r", b"\n")
time.sleep(0.5)
type(b"\x1d", b"teachroot: ")
type(b"answer 2\r", b"Right.")
os.write(fd, b"\x04")
wait(b":~# ")
os.write(fd, b"quit\r")
status = os.waitpid(pid, 0)[1]
print(seen.decode())
assert seen.count(b"touch /root/made") == 2, "the echo is shown again"
assert b"\x1b" not in seen
sys.exit(status)
PYTHON
    echo "$output"
    [ "$status" -eq 0 ]
}

@test "whatever is asked for, nothing is drawn and nothing is said by colour, and it is said in order" {
    unset TEACHROOT_LESSONS
    for number in 1 4 6 7; do
        lesson=$number
        run plain help lessons why hint 'mount -t tmpfs none /mnt' state review 'goto 2' 'echo at the' quit
        [ "$status" -eq 0 ]
        # Escapes, box drawing, blocks, braille, arrows and dingbats are read out as noise, or not at all.
        if LC_ALL=C.UTF-8 grep -nP '[\x{2190}-\x{28ff}\x00-\x08\x0b-\x1f\x7f]|-{4}|[+|]--' <<<"$output"; then false; fi
        [[ "$output" == *"Lesson $number:"*"Step 1 of "*"These words are commands"*"1. A new root"*"What this step waits for:"*"Hint:"*"# mount -t tmpfs"*Namespaces*"Mounts"*"/mnt mounted"*"Review:"*"Step 2 of "*"# echo at the"* ]]
    done
}

@test "a command that failed is explained: two lines at once, the rest when it is asked for" {
    run plain '$ touch /root/made' diagnose 'touch /root/made' next
    [ "$status" -eq 0 ]
    [[ "$output" == *"command not found"*"What happened"*"was typed along"*"Type diagnose to hear more."*"What happened"*"ended with the status 127"*"begins a comment"*"Step 2 of 3"* ]]
}
