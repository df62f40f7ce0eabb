#!/usr/bin/env bats
# bats file_tags=play
# The pipelines that scripts/ci-examples has for others: valid YAML of the right shape, and their own commands prove a repository's lessons and find what is wrong in one.

setup() {
    DIR=$(mktemp -d)
    export XDG_STATE_HOME=$DIR/state
    mkdir -p "$DIR/bin" "$DIR/repository/lessons"
    ln -s "$TEACHROOT" "$DIR/bin/teachroot"
    # GitHub's runner is an ordinary user; the tests' own rights are what there is here.
    printf '#!/bin/sh\nexec "$@"\n' >"$DIR/bin/sudo"
    chmod +x "$DIR/bin/sudo"
    cd "$DIR/repository" || exit
    cat >lessons/01-one.md <<'LESSON'
# One

## Touch

```bash
touch /root/one
```

<!-- check
assert file /root/one
-->

<details><summary>Hint</summary>

`touch` makes it.

</details>

<!-- essence: It is there. -->

<!-- notes
1 minute.
-->
LESSON
}

teardown() {
    rm -rf "$DIR"
}

# The commands of the job, each after the others as the service runs them: those that install teachroot are the README's, and left out.
steps() {
    python3 - "$TEACHROOT_SOURCE/scripts/ci-examples/$1.yml" <<'END'
import sys, yaml

with open(sys.argv[1]) as file:
    pipeline = yaml.safe_load(file)
if 'jobs' in pipeline:
    assert set(pipeline[True]) >= {'push', 'pull_request'}, 'when it runs'
    variables, job = pipeline['env'], pipeline['jobs']['lessons']
    for step in job['steps']:
        assert ('run' in step) != ('uses' in step) and step['name'], step
        assert not set(step) - {'name', 'run', 'uses', 'with', 'if'}, step
    commands = [step['run'] for step in job['steps'] if 'run' in step and not step['name'].startswith('Install')]
    kept = [step for step in job['steps'] if step.get('uses', '').startswith('actions/upload-artifact@')]
    assert kept[0]['with']['path'] == 'results/' and kept[0]['if'] == 'always()'
else:
    job = pipeline['lessons']
    assert not set(job) - {'image', 'variables', 'timeout', 'before_script', 'script', 'artifacts'}, job
    assert job['artifacts']['when'] == 'always' and job['artifacts']['reports']['junit'] == 'results/*.xml'
    variables, commands = job['variables'], job['script']
assert all(isinstance(value, str) for value in variables.values()), variables
print('set -e')
for name, value in variables.items():
    print(f"export {name}='{value}'")
print('\n'.join(commands))
END
}

# Runs the pipeline $1.
pipeline() {
    steps "$1" >"$DIR/steps"
    run env PATH="$DIR/bin:$PATH" timeout -k 5 120 bash "$DIR/steps"
    echo "$output"
}

# The lesson passes.
proves() {
    pipeline "$1"
    [ "$status" -eq 0 ]
    grep -q '^ok 1 - One: Touch' results/01-one.tap
    python3 -c 'import sys, xml.etree.ElementTree as t; s = t.parse(sys.argv[1]).getroot(); assert len(list(s.iter("testcase"))) == 1 and not list(s.iter("failure"))' results/01-one.xml
}

# A link that leads nowhere is found before anything is run.
looks_first() {
    rm -r results
    sed -i '1s/$/\n\n[x](gone.md)/' lessons/01-one.md
    pipeline "$1"
    [ "$status" -eq 1 ]
    [ ! -e results ]
}

@test "the GitHub workflow is valid, and its steps prove a repository's lessons and annotate what is wrong" {
    proves github-actions
    looks_first github-actions
    [[ $output == *'::error file=lessons/01-one.md,line=3,title=link::'* ]]
}

@test "the GitLab pipeline is valid, and its script proves a repository's lessons and reports those that fail" {
    proves gitlab-ci
    looks_first gitlab-ci
    [[ $output == *'lessons/01-one.md:3: error: '*'[link]'* ]]
    sed -i 's/^touch/echo/; /gone.md/d' lessons/01-one.md
    pipeline gitlab-ci
    [ "$status" -eq 1 ]
    grep -q '^not ok 1' results/01-one.tap
    python3 -c 'import sys, xml.etree.ElementTree as t; assert list(t.parse(sys.argv[1]).getroot().iter("failure"))' results/01-one.xml
}
