#!/usr/bin/python3
"""tests/tree.py list DIRECTORY: every attribute of every file below it, a line each, as mtree(5) has it: to compare trees that different programs made.
tests/tree.py make DIRECTORY: a small tree that has everything a layer can hold."""
import hashlib
import os
import stat
import struct
import sys


def listing(root):
    root = os.fsencode(root)
    first = {}
    for top, directories, files in os.walk(root):
        directories.sort()
        for name in [b"."] * (top == root) + sorted(directories + files):
            path = os.path.join(top, name)
            st = os.lstat(path)
            shown = os.path.relpath(path, root)
            words = [repr(shown)[2:-1], stat.filemode(st.st_mode), "%d:%d" % (st.st_uid, st.st_gid), "mtime=%d.%09d" % divmod(st.st_mtime_ns, 10**9)]
            if stat.S_ISREG(st.st_mode):
                with open(path, "rb") as file:
                    words += ["size=%d" % st.st_size, hashlib.sha256(file.read()).hexdigest()]
            elif stat.S_ISLNK(st.st_mode):
                words.append("-> " + repr(os.readlink(path))[2:-1])
            elif stat.S_ISBLK(st.st_mode) or stat.S_ISCHR(st.st_mode):
                words.append("%d,%d" % (os.major(st.st_rdev), os.minor(st.st_rdev)))
            if not stat.S_ISDIR(st.st_mode) and st.st_nlink > 1:
                # The other names may be outside: then it is none here.
                same = first.setdefault((st.st_dev, st.st_ino), shown)
                words += ["same-as=" + repr(same)[2:-1]] * (same != shown)
            for attribute in sorted(os.listxattr(path, follow_symlinks=False)):
                words.append(attribute + "=" + os.getxattr(path, attribute, follow_symlinks=False).hex())
            yield " ".join(words)


def write(path, data, mode=0o644):
    with open(path, "wb") as file:
        file.write(data)
    os.chmod(path, mode)


def make(root):
    root = os.fsencode(root)
    os.makedirs(root)
    os.chmod(root, 0o755)
    os.chdir(root)
    for name, mode in ((b"bin", 0o755), (b"tmp", 0o1777), (b"group", 0o2775), (b"private", 0o700), (b"deep", 0o755)):
        os.mkdir(name)
        os.chmod(name, mode)
    os.makedirs(b"deep/" + b"/".join([b"d" * 60] * 5))
    write(b"bin/set-id", b"#!/bin/sh\n", 0o4755)
    write(b"bin/both", b"x" * 100000, 0o6711)
    write(b"empty", b"")
    write(b"unreadable", b"secret", 0)
    write(b"deep/" + b"n" * 200, b"a long name")
    write("ünïcödé".encode(), b"utf-8")
    write(b"latin\xe9 \xff", b"not utf-8")
    write(b"new\nline", b"a name of two lines")
    os.link(b"bin/both", b"hard")
    os.link(b"bin/both", b"private/hard too")
    os.symlink(b"../../../etc/passwd", b"outward")
    os.symlink(b"l" * 150, b"long link")
    os.mkfifo(b"fifo", 0o640)
    os.mknod(b"null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    os.chmod(b"null", 0o666)
    with open(b"sparse", "wb") as file:
        file.write(b"begin")
        file.seek(3 << 20)
        file.write(b"end")
    write(b"owned", b"by others")
    os.chown(b"owned", 1234, 4321)
    os.chown(b"group", 0, 50)
    os.chmod(b"group", 0o2775)
    os.setxattr(b"empty", "user.note", b"bytes \x00\xff")
    write(b"capable", b"ping", 0o755)
    os.setxattr(b"capable", "security.capability", struct.pack("<IIIII", 0x02000001, 1 << 13, 0, 0, 0))
    # user::rw-, user:1000:r--, group::r--, mask::r--, other::r--
    entries = ((1, 6, 0xffffffff), (2, 4, 1000), (4, 4, 0xffffffff), (16, 4, 0xffffffff), (32, 4, 0xffffffff))
    write(b"acl", b"shared")
    os.setxattr(b"acl", "system.posix_acl_access", struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *e) for e in entries))
    times = 1000000000 * 10**9
    for top, directories, files in os.walk(b".", topdown=False):
        for name in files + directories:
            times += 10**9
            os.utime(os.path.join(top, name), ns=(times, times), follow_symlinks=False)
    os.utime(b".", ns=(times, times))


if sys.argv[1] == "make":
    make(sys.argv[2])
else:
    sys.stdout.write("\n".join(listing(sys.argv[2])) + "\n")
