#!/usr/bin/env bats
# Jupyter's own programs with our kernel, and the kernel killed at any moment. Heavy: `make test-jupyter`.

load ../common

# Debian's Python, which has the packages.
python() {
    /usr/bin/python3 "$TEACHROOT_SOURCE/tests/jupyter/$1.py" "${@:2}"
}

setup_file() {
    export PREFIX
    PREFIX=$(mktemp -d /tmp/teachroot-test.XXXXXX)
    export JUPYTER_PATH=$PREFIX/share/jupyter IPYTHONDIR=$PREFIX/ipython JUPYTER_CONFIG_DIR=$PREFIX/config JUPYTER_RUNTIME_DIR=$PREFIX/runtime
    mkdir -p "$JUPYTER_RUNTIME_DIR"
    "$TEACHROOT" kernel install --prefix "$PREFIX"
}

teardown_file() {
    rm -rf "$PREFIX"
}

@test "install says where it wrote, and Jupyter finds the kernel there" {
    run "$TEACHROOT" kernel install --prefix "$PREFIX"
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = "$PREFIX/share/jupyter/kernels/teachroot/kernel.json" ]
    found=$(/usr/bin/python3 -m jupyter_client.kernelspecapp list --json 2>/dev/null | jq -r .kernelspecs.teachroot.resource_dir)
    [ "$found" = "$PREFIX/share/jupyter/kernels/teachroot" ]
    [ "$(find "$PREFIX/share/jupyter/kernels/teachroot" -type f | wc -l)" -eq 2 ]
}

@test "install into a place that cannot be written says so and leaves nothing" {
    touch "$PREFIX/file"
    run "$TEACHROOT" kernel install --prefix "$PREFIX/file"
    [ "$status" -eq 1 ]
    [[ $output == *"$PREFIX/file"*"Not a directory"* ]]
    run "$TEACHROOT" kernel install --user --prefix "$PREFIX"
    [ "$status" -eq 2 ]
    run "$TEACHROOT" kernel -f "$PREFIX/no-such-file"
    [ "$status" -eq 1 ]
    [[ $output == *"$PREFIX/no-such-file"* ]]
}

@test "teachroot itself loads no ZeroMQ" {
    run ldd "$TEACHROOT"
    [[ $output != *zmq* ]]
}

@test "Jupyter's own suite for kernels passes" {
    run python protocol
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *"Ran 12 tests"* ]]
    [[ $output != *"skipped=2"* ]]
}

@test "jupyter console executes cells, shows errors and asks for input" {
    run python console
    echo "$output"
    [ "$status" -eq 0 ]
}

@test "nbclient runs lesson 4's notebook to the end" {
    "$TEACHROOT" notebook -o "$PREFIX/lesson-4.ipynb" 4
    run python notebook "$PREFIX/lesson-4.ipynb"
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *"The lesson is finished."* ]]
}

@test "Notebook 6 in Chromium runs lesson 4's notebook to the end, without an error in its console" {
    "$TEACHROOT" notebook -o "$PREFIX/lesson-4.ipynb" 4
    run python browser "$PREFIX/lesson-4.ipynb"
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *"The lesson is finished."* ]]
}

@test "50 kernels killed by SIGKILL leave nothing" {
    left_behind | sort >"$PREFIX/before"
    python killed 50
    # What the kernel of the machine does not clear by itself is cleared by the next start.
    "$TEACHROOT" lab gc
    left_behind | sort >"$PREFIX/after"
    run comm -13 "$PREFIX/before" "$PREFIX/after"
    echo "$output"
    [ -z "$output" ]
    run pgrep -f 'sleep 98761'
    [ -z "$output" ]
}
