# bats file_tags=notebook
# shellcheck disable=SC2016 # what looks like an expansion is what the lesson or the program says
# A lesson as a notebook: what `play --format ipynb` and `teachroot notebook` promise. `make test-jupyter` has Jupyter's own tools read and run them.

setup_file() {
    work=$(mktemp -d)
    export work XDG_STATE_HOME=$work/state
    cd "$work" || exit
    write_lesson >tiny.md
    # One run for all that look at what was run.
    timeout -k 5 120 "$TEACHROOT" play --format ipynb -o out tiny.md >played 2>&1 || echo "status $?" >>played
    "$TEACHROOT" notebook tiny.md -o new.ipynb
}

teardown_file() {
    rm -rf "$work"
}

setup() {
    cd "$work" || exit
}

write_lesson() {
    cat <<'EOF2'
---
title: A tiny lesson
---
# A tiny lesson

Words with `code` & <b>HTML</b>.

## Make `things`

```bash
mkdir -p "/root/<b>&x"
echo one; echo two
```
```output
one
two
```

Then there:

```bash |{"terminal":"2"}
unshare --uts bash --norc
printf '\033[31mred\033[0m \377\n'
```

```quiz
What is `<b>`? Is it <i>that</i>?
( ) a tag — no, `<b>` is a name
(x) a name — right so
```

```bash |{"type":"file","name":"/root/f"}
some text
```

```bash |{"hidden":"true"}
touch /root/solved
```

<!-- check
test -e /root/f && test -e /root/solved
-->

<details><summary>Hint</summary>

Type it.

</details>

## Nothing new

```bash |{"exit":"3"}
sh -c 'exit 3'
```
<!-- watch
processes
-->

## Fail

```bash
ls /nowhere
```

```bash
echo not reached
```
<!-- check
true
-->

## Never

```bash
true
```
<!-- check
true
-->
EOF2
}

# What JQ says of NOTEBOOK is true.
holds() {
    jq -e "$2" "$1" >/dev/null || {
        jq -c "$2" "$1"
        return 1
    }
}

@test "a notebook has what nbformat 4.5 asks for, and no more" {
    local notebook
    cat played
    for notebook in out/tiny.ipynb new.ipynb; do
        holds $notebook '(keys == ["cells", "metadata", "nbformat", "nbformat_minor"]) and .nbformat == 4 and .nbformat_minor == 5'
        holds $notebook '.metadata.kernelspec == {"display_name": "teachroot", "language": "bash", "name": "teachroot"}'
        holds $notebook '[.cells[] | if .cell_type == "code" then keys == ["cell_type", "execution_count", "id", "metadata", "outputs", "source"] else .cell_type == "markdown" and keys == ["cell_type", "id", "metadata", "source"] end] | all'
        holds $notebook '[.cells[].id] | (length == (unique | length)) and all(test("^[a-zA-Z0-9_-]{1,64}$"))'
        holds $notebook '[.cells[].source | type == "array" and (.[:-1] | all(endswith("\n")))] | all'
    done
    holds out/tiny.ipynb '[.cells[].outputs[]? | keys == {"stream": ["name", "output_type", "text"], "error": ["ename", "evalue", "output_type", "traceback"], "display_data": ["data", "metadata", "output_type"]}[.output_type]] | all'
    holds out/tiny.ipynb '[.cells[].execution_count | numbers] | . == [range(1; length + 1)]'
    holds new.ipynb '[.cells[] | select(.cell_type == "code") | .execution_count == null and .outputs == []] | all'
}

# The cell whose source is $1, of the notebook as run.
cell() {
    jq --arg source "$1" '.cells[] | select((.source | join("")) == $source)' out/tiny.ipynb
}

@test "a cell has its block and what that printed, in its terminal" {
    [ "$(cell $'mkdir -p "/root/<b>&x"\necho one; echo two' | jq -c .outputs)" = '[{"name":"stdout","output_type":"stream","text":["one\n","two\n"]}]' ]
    [ "$(cell $'%%terminal 2\nunshare --uts bash --norc\nprintf \'\\033[31mred\\033[0m \\377\\n\'' | jq -c .outputs[].text)" = '["red �\n"]' ]
    [ "$(cell $'cat > /root/f <<\'END\'\nsome text\nEND' | jq -c .outputs)" = '[]' ]
    [ "$(cell "sh -c 'exit 3'" | jq -c .outputs[].text)" = '["status 3\n"]' ]
    [ "$(cell 'touch /root/solved' | jq -c .metadata)" = '{"jupyter":{"source_hidden":true},"tags":["solution"]}' ]
    [ "$(cell '%check 1' | jq -c .outputs[].text)" = '["Step 1 passed.\n"]' ]
    [ "$(cell "%lesson -q $PWD/tiny.md" | jq .execution_count)" = 1 ]
}

@test "prose, questions and hints are Markdown, in which words are only words" {
    holds new.ipynb '.cells[0].source | join("") | contains("# A tiny lesson\n\nWords with `code` & <b>HTML</b>.")'
    holds new.ipynb '[.cells[].source | join("")] | index("## 1. Make things") and index("Then there:")'
    holds new.ipynb '[.cells[].source | join("") | select(startswith("**Question.** What is `<b>`? Is it \\<i\\>that\\</i\\>?\n\n1. a tag\n2. a name\n\n<details><summary>Answer</summary>\n\n1. Wrong: no, `<b>` is a name\n2. **Right**: right so\n"))] | length == 1'
    holds new.ipynb '[.cells[].source | join("")] | index("<details><summary>Hint</summary>\n\nType it.\n\n</details>")'
}

@test "the state is shown where a step changed it or watches it, as a picture, as tables and as text" {
    # Terminal 2 has a namespace of its own after step 1; nothing changes in step 2, which watches, nor in 3, which does not.
    local states='[.cells[] | select(.source == ["%state"])]'
    holds out/tiny.ipynb "$states | map(.id[:7]) == [\"step-1-\", \"step-2-\"]"
    holds new.ipynb "$states | map(.id[:7]) == [\"step-2-\"]"
    jq "$states | .[0].outputs[0].data | map_values(join(\"\"))" out/tiny.ipynb >data
    holds data 'keys == ["image/svg+xml", "text/html", "text/plain"]'
    jq -r '."text/plain"' data | grep -x '  ≠ uts      its own    alone in it *[0-9]*'
    jq -r '."text/html"' data | grep '<table '
    jq -r '."image/svg+xml"' data >state.svg
    python3 -c 'import sys, xml.etree.ElementTree as tree; assert tree.parse("state.svg").getroot().tag == "{http://www.w3.org/2000/svg}svg"'
}

@test "what failed is an error in its cell, and what was not run has no output" {
    [ "$(cell 'ls /nowhere' | jq -c '[.outputs[].output_type]')" = '["stream","error"]' ]
    [ "$(cell 'ls /nowhere' | jq -r '.outputs[1].evalue')" = 'it ended with status 2, and should end with `0`' ]
    [ "$(cell 'echo not reached' | jq -c '[.execution_count, .outputs]')" = '[null,[]]' ]
    [ "$(cell '%check 3' | jq -c '[.execution_count, .outputs]')" = '[null,[]]' ]
    holds out/tiny.ipynb '[.cells[].source | join("")] | index("## 4. Never\n\n> Not run: step 3 failed")'
    grep -x "status 1" played
}

@test "a lesson played twice with --record-redact gives the same notebook" {
    local i
    for i in one two; do
        timeout -k 5 120 "$TEACHROOT" play --record-redact --format ipynb tiny.md >$i.ipynb || [ $? -eq 1 ]
    done
    holds one.ipynb '[.cells[] | select(.source == ["%state"])] | length == 2'
    cmp one.ipynb two.ipynb
}

@test "a notebook not run has the cells of one that was, but for the state" {
    local of='.cells[] | select(.source[0] != "%state" and (.source[0] | startswith("## 4. Never") | not)) | [.source, .metadata]'
    diff <(jq -c "$of" new.ipynb) <(jq -c "$of" out/tiny.ipynb)
    "$TEACHROOT" notebook tiny.md | diff - new.ipynb
}

@test "a notebook is written whole or not at all, and every lesson has one" {
    local i
    echo precious >there.ipynb
    printf -- '# A\n\n## B\n\n```bash |{"termnal":"2"}\ntrue\n```\n' >malformed.md
    run "$TEACHROOT" notebook malformed.md -o there.ipynb
    [ "$status" -eq 2 ]
    [[ $output == *"malformed.md:5: unknown key"* ]]
    [ "$(cat there.ipynb)" = precious ]
    run "$TEACHROOT" notebook tiny.md -o no/such/dir.ipynb
    [ "$status" -eq 1 ]
    [[ $output == *'no/such/dir.ipynb'*'No such file or directory'* ]]
    run sh -c '"$TEACHROOT" notebook tiny.md >/dev/full'
    [ "$status" -eq 1 ]
    [[ $output == *"No space left"* ]]
    run "$TEACHROOT" notebook
    [ "$status" -eq 2 ]
    for i in 0 1 2 3 4 5 6 7 8; do
        "$TEACHROOT" notebook $i -o there.ipynb
        holds there.ipynb ".cells[1].source == [\"%lesson -q $i\"] and (.cells | length > 20)"
    done
}
