#!/usr/bin/env bats
# Archives against the programs that read and write them: what we write, tar, bsdtar and umoci read to the same tree; what they write, so do we.

setup_file() {
    export WORK
    WORK=$(mktemp -d "$BATS_FILE_TMPDIR/tar.XXXXXX")
    LAYER=$TEACHROOT_BUILD/tests/probe/layer
    export LAYER
    # Run by hand, not by make check, the program may not be there.
    [ -x "$LAYER" ] || make -C "$TEACHROOT_SOURCE" BUILD="$TEACHROOT_BUILD" "$LAYER" >&3
    tree "$WORK/tree"
    "$LAYER" pack "$WORK/tree" "$WORK/ours.tar"
}

# Every attribute of every file, as Python's os sees them; hard links by the first name.
mtree() {
    python3 - "$1" "${2:-}" <<'PYTHON'
import hashlib, os, stat, sys
top, leave_out = os.fsencode(sys.argv[1]), sys.argv[2].split()
seen = {}
paths = []
for where, directories, files in os.walk(top):
    paths += [os.path.join(where, name) for name in directories + files]
for path in [top] + sorted(paths):
    st = os.lstat(path)
    name = os.path.relpath(path, top)
    row = [repr(name), oct(st.st_mode), st.st_uid, st.st_gid]
    if 'times' not in leave_out:
        row.append(st.st_mtime_ns)
    if stat.S_ISREG(st.st_mode):
        digest = hashlib.sha256()
        with open(path, 'rb') as file:
            at = 0
            while at < st.st_size:  # holes are not read: they may be large
                try:
                    data = os.lseek(file.fileno(), at, os.SEEK_DATA)
                except OSError:
                    break
                hole = os.lseek(file.fileno(), data, os.SEEK_HOLE)
                content = os.pread(file.fileno(), hole - data, data).rstrip(b'\0')
                if content:
                    digest.update(b'%d ' % data + content)
                at = hole
        row += [st.st_size, digest.hexdigest()[:16]]
    if stat.S_ISLNK(st.st_mode):
        row.append(repr(os.readlink(path)))
    if stat.S_ISCHR(st.st_mode) or stat.S_ISBLK(st.st_mode):
        row.append(st.st_rdev)
    if not stat.S_ISDIR(st.st_mode):
        row.append(seen.setdefault(st.st_ino, repr(name)) if 'links' not in leave_out else '')
    if 'attributes' not in leave_out:
        for key in sorted(os.listxattr(path, follow_symlinks=False)):
            row.append((key, os.getxattr(path, key, follow_symlinks=False)))
    print(*row)
PYTHON
}

tree() {
    mkdir "$1" && cd "$1" || return
    echo text >plain
    ln plain hard
    ln -s ../outside link
    mkdir -p d/e
    chmod 1777 d
    : >$'new\nline'
    printf composed >$'caf\303\251'
    printf other >$'cafe\314\201'
    printf bytes >$'bad\377'
    mkdir -p "$(printf 'long%.0s' {1..40})/$(printf 'name%.0s' {1..40})"
    echo deep >"$(printf 'long%.0s' {1..40})/$(printf 'name%.0s' {1..40})/file"
    ln -s "$(printf 'target/%.0s' {1..40})" far
    mkfifo fifo
    touch -d '1969-12-31 23:59:58 UTC' plain
    touch -d '2242-03-16 12:56:33.000000001 UTC' link -h
    touch -d '2001-02-03 04:05:06.789 UTC' d/e d .
    if [ "$(id -u)" -eq 0 ]; then
        python3 -c "import os; os.setxattr('plain', 'user.bytes', b'\\0=\\n')"
        mknod null c 1 3
        chown 3000000:4000000000 d/e
        chmod 6755 plain
        cp /bin/true capable
        setcap cap_net_raw+ep capable
    fi
}

unpacked_by() {
    rm -rf "$WORK/there"
    mkdir "$WORK/there"
    "$@"
}

same_tree() {
    diff <(mtree "$WORK/tree" "${1:-}") <(mtree "$WORK/there" "${1:-}")
}

@test "GNU tar reads what we write, every attribute of it" {
    unpacked_by tar --numeric-owner --xattrs --xattrs-include='*' -xpf "$WORK/ours.tar" -C "$WORK/there"
    same_tree
}

@test "bsdtar reads what we write, every attribute of it" {
    unpacked_by bsdtar --numeric-owner --xattrs --acls -xpf "$WORK/ours.tar" -C "$WORK/there"
    touch -r "$WORK/tree" "$WORK/there" # the one time it does not set
    same_tree
}

# Not umoci: it fills the hole. And bsdtar misreads fractions of seconds before the epoch.
@test "a sparse file of 9 GiB is read by GNU tar and bsdtar, a time before the epoch by GNU tar" {
    mkdir "$WORK/large"
    printf end | dd of="$WORK/large/sparse" bs=1 seek=$((9 << 30)) status=none
    touch -d '1969-12-31 23:59:58.25 UTC' "$WORK/large/sparse"
    "$LAYER" pack "$WORK/large" "$WORK/large.tar"
    [ "$(stat -c %s "$WORK/large.tar")" -lt 20000 ]
    unpacked_by tar -xpf "$WORK/large.tar" -C "$WORK/there"
    diff <(mtree "$WORK/large") <(mtree "$WORK/there")
    unpacked_by bsdtar -xpf "$WORK/large.tar" -C "$WORK/there"
    diff <(mtree "$WORK/large" times) <(mtree "$WORK/there" times)
    tar --format=gnu --sparse -cf "$WORK/gnu.tar" -C "$WORK/large" .
    unpacked_by "$LAYER" unpack "$WORK/gnu.tar" "$WORK/there"
    diff <(mtree "$WORK/large" times) <(mtree "$WORK/there" times)
}

@test "we read what GNU tar writes" {
    tar --numeric-owner --format=pax --xattrs --xattrs-include='*' -cf "$WORK/gnu.tar" -C "$WORK/tree" .
    unpacked_by "$LAYER" unpack "$WORK/gnu.tar" "$WORK/there"
    same_tree links
    tar --numeric-owner --format=gnu -cf "$WORK/gnu.tar" -C "$WORK/tree" .
    unpacked_by "$LAYER" unpack "$WORK/gnu.tar" "$WORK/there"
    same_tree "links times attributes"
}

@test "each of GNU tar's sparse files is read, and stays sparse" {
    truncate -s 40M "$WORK/holes"
    for i in 3 5 7 9 11 13 15 17 19 21 23 25 27 29; do
        echo "piece $i" | dd of="$WORK/holes" bs=1M seek=$i conv=notrunc status=none
    done
    for format in gnu "pax --sparse-version=0.0" "pax --sparse-version=0.1" "pax --sparse-version=1.0"; do
        # shellcheck disable=SC2086
        tar --format=$format --sparse -cf "$WORK/holes.tar" -C "$WORK" holes
        unpacked_by "$LAYER" unpack "$WORK/holes.tar" "$WORK/there"
        cmp "$WORK/holes" "$WORK/there/holes"
        [ "$(du -k "$WORK/there/holes" | cut -f1)" -lt 1000 ]
    done
}

@test "we read what bsdtar writes" {
    for format in pax gnutar; do
        bsdtar --numeric-owner --format=$format --xattrs --acls -cf "$WORK/bsd.tar" -C "$WORK/tree" .
        unpacked_by "$LAYER" unpack "$WORK/bsd.tar" "$WORK/there"
        leave=links
        [ $format = pax ] || leave="links times attributes"
        same_tree "$leave"
    done
}

@test "umoci reads what we write, every attribute of it" {
    rm -rf "$WORK/image" "$WORK/bundle"
    umoci init --layout "$WORK/image"
    umoci new --image "$WORK/image:it"
    umoci raw add-layer --image "$WORK/image:it" "$WORK/ours.tar"
    if [ "$(id -u)" -eq 0 ]; then
        umoci unpack --image "$WORK/image:it" "$WORK/bundle"
    else
        umoci unpack --rootless --image "$WORK/image:it" "$WORK/bundle"
    fi
    rm -rf "$WORK/there"
    mv "$WORK/bundle/rootfs" "$WORK/there"
    same_tree
}
