#!/usr/bin/env bats
# What a learner has done, told afterwards and elsewhere: transcript, review, progress, report. No lab is needed but for the one whose journal is read.

bats_require_minimum_version 1.5.0

setup() {
    export XDG_STATE_HOME="$BATS_TEST_TMPDIR/state" TEACHROOT_LESSONS="$BATS_TEST_TMPDIR"
    state="$XDG_STATE_HOME/teachroot"
    printf '%s\n' '# One' '' '## Make' '' '<!-- essence: It is made. -->' '' '```bash' 'mkdir /root/a' '```' '<!-- check' 'test -d /root/a || { echo "no /root/a yet"; exit 1; }' '-->' '' \
        '## Ask' '' '```quiz' 'Which number is *even*?' '( ) one — it is odd' '(x) two — it is' '```' >"$BATS_TEST_TMPDIR/01-one.md"
    printf '%s\n' '# Two' '' '## Go' '' '```bash' 'true' '```' >"$BATS_TEST_TMPDIR/02-two.md"
    printf '%s\n' '| # | lesson | what |' '|---|---|---|' '| 1 | [One](01-one.md) | a |' '| 2 | [Two](02-two.md) | b |' >"$BATS_TEST_TMPDIR/lessons.md"
}

learn() {
    printf '%s\n' "$@" | timeout 60 "$TEACHROOT" --plain 1 >"$BATS_TEST_TMPDIR/said"
}

@test "a transcript has the learner's commands, outputs and answers, step by step, as CommonMark" {
    learn 'echo "\`\`\`"; echo "# no heading"' "$(printf 'printf "%%s\\\\n" "\\033[31mred\\033[m"')" false 'mkdir /root/a' next 'answer 1' 'answer 2' 'cat <<END' 'a' 'END'
    run "$TEACHROOT" transcript
    [ "$status" -eq 0 ]
    [[ "$output" == "# One"*"## 1. Make"*'$ mkdir /root/a'*Passed*"## 2. Ask"*'Which number is \*even\*?'*"Answer: one (not right)"*"Answer: two (right)"* ]]
    [[ "$output" == *$'$ false\n```\n\nStatus 1.'* ]]
    [[ "$output" != *$'\033'* ]]
    # Its headings are ours alone: what was printed opened none.
    [ "$(awk '/^```+/ { mark = $1; sub(/[a-z]*$/, "", mark); if (fence == "") fence = mark; else if (fence == mark) fence = ""; next } fence == "" && /^#/' <<<"$output" | wc -l)" -eq 3 ]
    "$TEACHROOT" transcript -o "$BATS_TEST_TMPDIR/one.md" One
    cmp <("$TEACHROOT" transcript 1) "$BATS_TEST_TMPDIR/one.md"
    [ "$(stat -c %a "$BATS_TEST_TMPDIR/one.md")" = 600 ]
    run "$TEACHROOT" review 1
    [[ "$output" == *"Passed: 2 of 2 steps"*"It is made."*"mkdir /root/a: mkdir("* ]]
}

@test "no journal is kept where none is wanted, and a review is there all the same" {
    printf '%s\n' 'mkdir /root/a' review | timeout 60 "$TEACHROOT" --no-journal --plain 1 >"$BATS_TEST_TMPDIR/said"
    grep -q 'mkdir /root/a: *mkdir' "$BATS_TEST_TMPDIR/said"
    TEACHROOT_JOURNAL=off learn 'mkdir /root/a'
    [ ! -e "$state/journal" ]
    run "$TEACHROOT" transcript
    [ "$status" -eq 1 ]
    [[ "$output" == *"--no-journal"* ]]
}

@test "a damaged journal is told as far as it can be read" {
    mkdir -p "$state/journal"
    printf '%s\n' '{"s":"a","n":1,"t":1700000000,"step":1,"terminal":1,"command":"ls"}' '{"s":"a","n":1,"status":0,"outp' \
        '{"t":1700000000,"step":77,"passed":true}' >"$state/journal/01-one.md.jsonl"
    run "$TEACHROOT" transcript 1
    [ "$status" -eq 0 ]
    [[ "$output" == *"1 lines of "*"are damaged"* && "$output" == *'$ ls'*"Its end was not seen."*"## 77. After the lesson"* ]]
}

@test "wrong words are exit status 2 and say what there is" {
    for words in 'transcript --output' 'transcript --nope' 'transcript 1 2' 'transcript 9' 'review -o x' 'progress nope' 'progress export' 'report' 'report --format xml .'; do
        run "$TEACHROOT" $words
        [ "$status" -eq 2 ] || { echo "$words: $status"; false; }
        [ -n "$output" ]
    done
    run "$TEACHROOT" review
    [ "$status" -eq 1 ]
    [[ "$output" == *"no lesson was begun yet"* ]]
}

# How far somebody is: progress_of FILE STEP…, steps of lesson 1 having passed.
progress_of() {
    local file=$1
    shift
    mkdir -p "${file%/*}"
    XDG_STATE_HOME="$BATS_TEST_TMPDIR/hash" learn 'mkdir /root/a' next 'answer 2'
    python3 - "$BATS_TEST_TMPDIR/hash/teachroot/progress.json" "$file" "$@" <<'PYTHON'
import json, sys
progress = json.load(open(sys.argv[1]))
passed = progress["passed"]["01-one.md"]
progress["passed"]["01-one.md"] = {step: passed[step] for step in sys.argv[3:]}
progress["times"]["01-one.md"] = 1700000000
progress["steps"]["01-one.md"] = 1
json.dump(progress, open(sys.argv[2], "w"))
PYTHON
}

@test "a report says how far each learner is, where most are, and which files are damaged" {
    class="$BATS_TEST_TMPDIR/class"
    progress_of "$class/alice.json" 1
    mkdir -p "$class/bob/.local/state/teachroot" "$class/carol" "$class/dave"
    cp "$class/alice.json" "$class/bob/.local/state/teachroot/progress.json"
    cp "$class/alice.json" "$class/carol/progress.json"
    cp "$class/alice.json" "$class/=1+1.json"
    sed -i 's/"1": "[0-9a-f]*"//' "$class/carol/progress.json"
    printf '{"version": 1, "pass' >"$class/dave/progress.json"
    mkfifo "$class/pipe.json"
    ln -s /etc/passwd "$class/link.json"
    before=$(cd "$class" && find . -type f -exec md5sum {} + | sort)
    run --separate-stderr "$TEACHROOT" report "$class"
    [ "$status" -eq 1 ]
    # shellcheck disable=SC2154 # run --separate-stderr sets it
    [[ "$stderr" == *"left out: $class/dave/progress.json"* && "$stderr" != *alice* ]]
    [[ "$output" == *"alice "*"1/2  1.2 "*"2023-11-14 22:13"* ]]
    [[ "$output" == *"bob "*"1/2"*"carol "*"0/2"*"3 of 4 at 1.2 Ask"*"1 of 4 at 1.1 Make"* ]]
    [ "$before" = "$(cd "$class" && find . -type f -exec md5sum {} + | sort)" ]
    rm -r "$class/dave"
    run --separate-stderr "$TEACHROOT" report --format json "$class"
    [ "$status" -eq 0 ]
    python3 -c 'import json, sys; r = json.load(sys.stdin); assert [l["name"] for l in r["learners"]] == ["=1+1", "alice", "bob", "carol"]; assert r["stuck"][0] == {"lesson": "01-one.md", "step": 2, "learners": 3}; assert r["learners"][1]["lessons"][0]["last_active"] == "2023-11-14T22:13:20Z"' <<<"$output"
    run "$TEACHROOT" report --format csv "$class/=1+1.json"
    python3 -c 'import csv, sys; rows = list(csv.reader(sys.stdin)); assert rows[1][:6] == ["'"'"'=1+1", "1", "One", "1", "2", "2"], rows' <<<"$output"
    run "$TEACHROOT" report --format md "$class"
    [[ "$output" == "| learner | 1 | is at | last active |"*"| alice | 1/2 | 1.2 | 2023-11-14 22:13 |"* ]]
}

@test "progress goes to another machine as a file, and what was passed on either has passed" {
    progress_of "$BATS_TEST_TMPDIR/there/progress.json" 2
    learn 'mkdir /root/a' next
    "$TEACHROOT" progress import "$BATS_TEST_TMPDIR/there/progress.json"
    run "$TEACHROOT" lessons
    [[ "$output" == *"One"*"2/2"*"done"* ]]
    "$TEACHROOT" progress export "$BATS_TEST_TMPDIR/copy.json"
    XDG_STATE_HOME="$BATS_TEST_TMPDIR/elsewhere" "$TEACHROOT" progress import "$BATS_TEST_TMPDIR/copy.json"
    XDG_STATE_HOME="$BATS_TEST_TMPDIR/elsewhere" run "$TEACHROOT" lessons
    [[ "$output" == *"One"*"2/2"* ]]
    printf garbage >"$BATS_TEST_TMPDIR/garbage.json"
    run "$TEACHROOT" progress import "$BATS_TEST_TMPDIR/garbage.json"
    [ "$status" -eq 1 ]
    [[ "$output" == *"garbage.json"*"damaged"* ]]
    [ "$(cat "$BATS_TEST_TMPDIR/garbage.json")" = garbage ]
    run "$TEACHROOT" progress forget 1
    [[ "$output" == *"2 steps are forgotten"* ]]
    run "$TEACHROOT" lessons
    [[ "$output" == *"0/2"* ]]
}
