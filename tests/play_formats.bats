# bats file_tags=play
# shellcheck disable=SC2016 # what looks like an expansion is what the lesson or the program says
# What programs read of a play (JSON, JUnit, annotations), which steps are played, what differs from one play to the next, and what happens when nothing can be written.

# One play of one lesson for many tests: each format in a file.
setup_file() {
    export SHARED
    SHARED=$(mktemp -d)
    export XDG_STATE_HOME=$SHARED/state
    cd "$SHARED" || exit
    cat >kinds.md <<'EOF'
# Kinds & "\<others\>"

## Bytes

```bash
printf 'bad \377\376 \001\033[31mred\033[0m é\n'; mktemp -d; ls -di /etc; ps -o pid,comm; echo $$; date
for i in 1 2 3; do (:); done
unshare --uts --ipc bash
```
```bash
hostname inside && exit
```

## Kinds

```bash |{"type":"script"}
echo "a script"
```
```text |{"type":"file","name":"/root/f"}
a file
```
```bash |{"requires":"ldd","exit":"signal:KILL"}
bash -c 'kill -9 $$'
```
```bash |{"type":"script","exit":"any"}
kill -RTMIN+3 $$
```
```quiz
True?

( ) no — it is
(x) yes
```
<!-- check
echo "all is there"
-->

## Fails, 100%

```bash
printf 'odd \377 \t"\001"\n'; false
```

## Not run

```bash
true
```
EOF
    status=0
    "$TEACHROOT" play kinds.md -o out --format text,json,tap,junit >said 2>&1 || status=$?
    echo "$status" >status
}

teardown_file() {
    rm -rf "$SHARED"
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
    run timeout -k 5 60 "$TEACHROOT" play "$@"
    echo "status $status"
    echo "$output"
}

# Three steps that build on one another.
steps_lesson() {
    printf '## One\n\n```bash\necho one >/root/made\n```\n\n## Two\n\n```bash\ncat /root/made; echo two >>/root/made\n```\n\n## Three\n\n```bash\ncat /root/made\n```\n' | lesson steps
}

@test "json: every event is as the published schema says" {
    [ "$(cat "$SHARED/status")" = 1 ]
    python3 "$TEACHROOT_SOURCE/tests/validate.py" "$TEACHROOT_SOURCE/docs/play.schema.json" <"$SHARED/out/kinds.jsonl"
    # … and what is not is found.
    run python3 "$TEACHROOT_SOURCE/tests/validate.py" "$TEACHROOT_SOURCE/docs/play.schema.json" < <(sed 's/"terminal":1/"terminal":"1"/' "$SHARED/out/kinds.jsonl")
    [ "$status" -ne 0 ]
    local event
    for event in lesson step block output command state result check "done" end; do
        grep -q "\"event\":\"$event\"" "$SHARED/out/kinds.jsonl" || { echo "no $event"; false; }
    done
}

@test "json: no byte of the output is lost" {
    cat >join.py <<'EOF'
import base64, json, sys
for line in open(sys.argv[1]):
    event = json.loads(line)
    if event["event"] == "output" and event["terminal"] == 1:
        sys.stdout.buffer.write(base64.b64decode(event["base64"]) if "base64" in event else event["text"].encode())
EOF
    python3 join.py "$SHARED/out/kinds.jsonl" >bytes
    grep -aqF "$(printf 'bad \377\376 \001\033[31mred\033[0m é\r')" bytes
    jq -se 'map(select(.event == "result" and .step == 1)) | .[0].commands[0].output_base64 | startswith("YmFkIP/+IHJlZCDDqQovd")' "$SHARED/out/kinds.jsonl" # "bad \377\376 red é\n/t…"
}

@test "json: exits, signals, namespaces, cgroups and the system calls of each command" {
    local events=$SHARED/out/kinds.jsonl
    jq -se 'map(select(.event == "state")) | .[0].differs == ["ipc", "uts"] and .[1].differs == []' "$events"
    jq -se 'map(select(.event == "state")) | .[0].namespaces.uts != .[1].namespaces.uts and .[0].namespaces.mnt == .[1].namespaces.mnt' "$events"
    jq -se 'map(select(.event == "state"))[0].cgroups | length > 0' "$events"
    jq -se 'map(select(.event == "command" and .command == "unshare --uts --ipc bash"))[0].syscalls | any(.name == "unshare" and .result == 0 and (.arguments | test("CLONE_NEWUTS")))' "$events"
    jq -se 'map(select(.event == "result" and .step == 2)) | .[0].output == "a script\n" and .[2].exit == 137 and .[3].signal == "RTMIN+3"' "$events"
    jq -se 'map(select(.event == "done") | .outcome) == ["passed", "passed", "failed", "not run"]' "$events"
    jq -se '.[-1] | .event == "end" and .passed == 2 and .failed == 1 and .not_run == 1' "$events"
}

@test "json: what a command has printed is told while it runs" {
    printf '## One\n\n```bash\necho earl""y; sleep 30\n```\n' | lesson streams
    "$TEACHROOT" play --format json streams.md >events 3>&- &
    local pid=$! i
    for ((i = 0; i < 100; i++)); do
        grep -q '"text":".*early\\r' events && break
        sleep 0.1
    done
    kill -TERM "$pid"
    wait "$pid" || true
    cat events
    grep -q '"text":".*early\\r' events
    [[ $(cat events) != *'"event":"end"'* ]]
}

@test "junit: valid, with file and line, and nothing in it that XML cannot hold" {
    local xml=$SHARED/out/kinds.xml
    xmllint --noout --schema "$TEACHROOT_SOURCE/tests/junit.xsd" "$xml"
    [ "$(xmllint --xpath 'string(//testsuite/@name)' "$xml")" = 'Kinds & "<others>"' ]
    [ "$(xmllint --xpath 'concat(//testsuite/@tests, " ", //testsuite/@failures, " ", //testsuite/@skipped)' "$xml")" = "4 1 1" ]
    [ "$(xmllint --xpath 'string(//testcase[failure]/@name)' "$xml")" = "3. Fails, 100%" ]
    [ "$(xmllint --xpath 'string(//testcase[failure]/@line)' "$xml")" = "$(grep -n -A2 '^## Fails' "$SHARED/kinds.md" | sed -n 's/^\([0-9]*\)-```.*/\1/p')" ]
    [[ $(xmllint --xpath 'string(//testcase[failure]/@file)' "$xml") == */kinds.md ]]
    [[ $(xmllint --xpath 'string(//testcase[4]/skipped/@message)' "$xml") == "step 3 failed" ]]
    [[ $(xmllint --xpath 'string(//testcase[1]/system-out)' "$xml") == *"bad �� red é"* ]]
    run grep -q "$(printf '[\001\033\377]')" "$xml"
    [ "$status" -eq 1 ]
}

@test "tap of the same play counts the same" {
    run grep -c '^not ok' "$SHARED/out/kinds.tap"
    [ "$output" = 1 ]
    [ "$(sed -n 2p "$SHARED/out/kinds.tap")" = "1..4" ]
    grep -qF '  output: "odd � \t\"\"\n"' "$SHARED/out/kinds.tap"
    iconv -f UTF-8 -t UTF-8 "$SHARED/out/kinds.tap" >/dev/null
    [[ $(cat "$SHARED/said") == *"wrote out/kinds.jsonl"* ]]
}

# What the runner of GitHub Actions takes for commands: a line that begins with ::, unless they are stopped, until the token comes by which they were.
commands() {
    awk 'stopped != "" { if ($0 == "::" stopped "::") stopped = ""; next }
        /^::stop-commands::/ { stopped = substr($0, 18); next }
        /^::/ { print }'
}

@test "annotations: what failed, escaped, ten at most, and a lesson's output is no command" {
    {
        printf '# Twelve\n\n'
        for i in {1..12}; do
            printf '## Step: %d, of 100%%\n\n```bash\necho "::error::fake"; echo "::stop-commands::x"; echo "::x::"; echo "::error::fake"; false\n```\n\n' "$i"
        done
    } | lesson twelve
    play --keep-going --annotations twelve.md
    [ "$status" -eq 1 ]
    [ "$(grep -c '^::error::fake' <<<"$output")" -eq 24 ]
    commands <<<"$output" >taken
    cat taken
    [ "$(grep -c '^::error ' taken)" -eq 10 ]
    [ "$(sed -n 1p taken)" = '::error file=twelve.md,line=5,title=Step%3A 1%2C of 100%25::line 5: it ended with status 1, and should end with `0`' ]
    [ "$(sed -n 11p taken)" = '::notice title=teachroot::2 more errors: the log has them all' ]
    [ "$(wc -l <taken)" -eq 11 ]
    # A token is no other's: not of another play, not used twice.
    [ "$(grep '^::stop-commands::' <<<"$output" | grep -v ':x$' | sort | uniq -d | wc -l)" -eq 0 ]
    play --annotations --format json twelve.md
    [ "$status" -eq 2 ]
    [[ $output == *"-o DIR"* ]]
}

@test "--from, --until and --only play some steps, on what the ones before have made" {
    steps_lesson
    play --only 2 --format tap steps.md
    [ "$status" -eq 0 ]
    [[ $output == *$'\n1..1\n'*$'\nok 1 - '*"Two"* ]]
    play --from 2 steps.md
    [[ $output != *"1. One"* ]]
    [[ $output == *$'2. Two\n$ cat /root/made; echo two >>/root/made\none\n'*$'\none\ntwo\n'*"2 passed, 0 failed, 0 skipped, 0 not run"* ]]
    play --until 2 steps.md
    [[ $output != *"3. Three"* ]]
    [[ $output == *"2 passed, 0 failed, 0 skipped, 0 not run"* ]]
    mv steps.md 07-steps.md
    play --until 7.1 07-steps.md
    [[ $output == *"1 passed, 0 failed, 0 skipped, 0 not run"* ]]
    local args
    for args in "--from 4 07-steps.md" "--until 8.1 07-steps.md" "--from 3 --until 2 07-steps.md" "--only 0 07-steps.md" "--from x 07-steps.md"; do
        # shellcheck disable=SC2086 # words are meant
        play $args
        [ "$status" -eq 2 ]
        [[ $output == "teachroot"* ]]
    done
}

@test "--record-redact: a second play gives the same bytes, and a value the same stand-in throughout" {
    local i
    for i in 1 2; do
        "$TEACHROOT" play --keep-going --record-redact "$SHARED/kinds.md" -o out$i --format text,json,tap,junit >said$i || true
    done
    [ "$(ls out1 | wc -l)" -eq 4 ]
    diff -r out1 out2
    grep -q '^/tmp/tmp.0000000001$' out1/kinds.txt
    grep -q '^Sat Jan  1 00:00:00 UTC 2000$' out1/kinds.txt
    grep -q '^9000001 /etc$' out1/kinds.txt
    run diff -q "$SHARED/out/kinds.txt" out1/kinds.txt
    [ "$status" -eq 1 ]
    python3 "$TEACHROOT_SOURCE/tests/validate.py" "$TEACHROOT_SOURCE/docs/play.schema.json" <out1/kinds.jsonl
    jq -se 'map(select(.event == "state") | .namespaces.mnt) | unique | length == 1' out1/kinds.jsonl
}

@test "a step that could not be begun has failed, in every format; the time for a lesson is not that for looking round" {
    printf '## One\n\n```bash\nsleep 30\n```\n\n## Two\n\n```bash\ntrue\n```\n\n## Three\n\n```bash\ntrue\n```\n' | lesson slow
    steps_lesson
    env --default-signal=INT "$TEACHROOT" play --keep --timeout 1 steps.md >said 2>&1 3>&- &
    local pid=$! i status=0
    play --from 2 --timeout 1 -o out --format text,json,junit,tap,md slow.md
    [ "$status" -eq 1 ]
    [ "$(grep -c '^not ok 1 .*Two' out/slow.tap)" -eq 1 ]
    [ "$(xmllint --xpath 'concat(//testsuite/@tests, " ", //testsuite/@failures, " ", //testsuite/@skipped)' out/slow.xml)" = "2 1 1" ]
    jq -se 'map(select(.event == "done") | .outcome) == ["failed", "not run"] and .[-1].failed == 1' out/slow.jsonl
    grep -A1 '^2. Two$' out/slow.txt | grep -q '^not ok: the lesson did not end in 1 s'
    grep -q '^## Two' out/slow.md
    for ((i = 0; i < 100; i++)); do grep -q 'is kept' said && break; sleep 0.05; done
    kill -INT "$pid"
    status=0
    wait "$pid" || status=$?
    cat said
    [ "$status" -eq 0 ]
}

@test "--shell: a shell in the lab when all is played; without a terminal it is refused" {
    steps_lesson
    play --shell steps.md
    [ "$status" -eq 2 ]
    [[ $output == *"--shell needs a terminal"* ]]
    (
        for ((i = 0; i < 100; i++)); do grep -q 'a shell in lab' screen 2>/dev/null && break; sleep 0.05; done
        sleep 0.3
        echo 'sed s/t/T/ /root/made; exit'
        sleep 1
    ) | timeout 20 script -qfec "$TEACHROOT play --shell steps.md" screen >/dev/null
    cat screen
    grep -q '^Two' screen
}

@test "--speed types at the pace of a hand" {
    printf '## One\n\n```bash\necho "forty letters that are typed by hand"\n```\n' | lesson typed
    local start=${EPOCHREALTIME/./}
    play --speed 40 typed.md
    [ "$status" -eq 0 ]
    ((${EPOCHREALTIME/./} - start > 1000000))
    play --speed 0 typed.md
    [ "$status" -eq 2 ]
}

@test "what cannot be written is said, with exit 3; a directory is made as the user's umask says" {
    steps_lesson
    run bash -c '"$TEACHROOT" play steps.md 2>&1 >/dev/full'
    [ "$status" -eq 3 ]
    [[ $output == *"write to standard output: No space left on device"* ]]
    run bash -c 'yes | "$TEACHROOT" play --format json steps.md 2>said | head -n 1 >/dev/null; echo "${PIPESTATUS[1]}"; cat said'
    [ "${lines[0]}" = 3 ]
    [[ $output == *"Broken pipe"* ]]
    touch file
    play -o file steps.md
    [ "$status" -eq 3 ]
    [[ $output == *'`file'*"Not a directory"* ]]
    cp steps.md kept
    play -o . --format tap,md steps.md
    [ "$status" -eq 2 ]
    [[ $output == *'`./steps.md` is the lesson itself'*"another directory"* ]]
    cmp steps.md kept
    (umask 027; "$TEACHROOT" play -o a/b steps.md)
    [ "$(stat -c '%a' a a/b a/b/steps.txt | tr '\n' ' ')" = "750 750 640 " ]
}

@test "a full disk is said, with exit 3, and leaves no half file" {
    [ "$(id -u)" = 0 ] || skip "needs root to mount a small file system for it"
    steps_lesson
    mkdir full
    run unshare --mount sh -c 'mount -t tmpfs -o size=4k none full && "$TEACHROOT" play -o full --format json steps.md; status=$?; ls -A full; exit $status'
    echo "$output"
    [ "$status" -eq 3 ]
    [[ $output == *'write `full/steps.jsonl`: No space left on device'* ]]
    [[ $output != *$'\nsteps.jsonl'* ]]
}

@test "Ctrl-C ends a play with exit 130, and leaves no file" {
    printf '## Sleep\n\n```bash\ntouch /began; sleep 60\n```\n' | lesson sleep
    env --default-signal=INT "$TEACHROOT" play sleep.md -o out --format json,junit >said 3>&- &
    local pid=$! i status=0
    for ((i = 0; i < 100; i++)); do grep -q Sleep said && break; sleep 0.05; done
    kill -INT "$pid"
    wait "$pid" || status=$?
    [ "$status" -eq 130 ]
    [ -z "$(ls -A out)" ]
}
