#!/usr/bin/env bats
# Notebooks of lessons, judged by Jupyter's own tools. Heavy: `make test-jupyter`.

load ../common

# Debian's Python, which has the packages.
python() {
    /usr/bin/python3 "$@"
}

setup_file() {
    export DIR
    DIR=$(mktemp -d /tmp/teachroot-test.XXXXXX)
    export JUPYTER_PATH=$DIR/share/jupyter IPYTHONDIR=$DIR/ipython JUPYTER_CONFIG_DIR=$DIR/config JUPYTER_RUNTIME_DIR=$DIR/runtime
    mkdir -p "$JUPYTER_RUNTIME_DIR"
    "$TEACHROOT" kernel install --prefix "$DIR"
    "$TEACHROOT" play --format ipynb 4 >"$DIR/played.ipynb"
    for number in 0 1 2 3 4 5 6 7 8; do
        "$TEACHROOT" notebook "$number" -o "$DIR/$number.ipynb"
    done
}

teardown_file() {
    rm -rf "$DIR"
}

@test "every lesson's notebook is valid, and what nbformat would have written" {
    python - "$DIR"/*.ipynb <<'END'
import sys
import nbformat
for name in sys.argv[1:]:
    notebook = nbformat.read(name, as_version=4)
    nbformat.validate(notebook)
    assert nbformat.writes(notebook) + "\n" == open(name, encoding="utf-8").read(), name
assert len(sys.argv) == 11
END
}

@test "nbconvert executes lesson 7's notebook, and shows the layers it mounts" {
    python -m nbconvert --to notebook --execute --ExecutePreprocessor.timeout=120 "$DIR/7.ipynb" --output done.ipynb
    run jq -r '.cells[].outputs[]? | .data."text/plain"? // empty | join("")' "$DIR/done.ipynb"
    [[ $output == *"Layers of a mount"*"upper"* ]]
    [ "$(jq '[.cells[].outputs[]? | select(.output_type == "error")] | length' "$DIR/done.ipynb")" -eq 0 ]
}

@test "a played notebook becomes a page with its pictures in it" {
    python -m nbconvert --to html "$DIR/played.ipynb" --output played.html
    [ "$(grep -c '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 360' "$DIR/played.html")" -ge 10 ]
}
