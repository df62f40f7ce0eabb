#!/usr/bin/env python3
"""The calls that `teachroot explain` names are those that strace sees: each LINE of standard input is explained, then run, in a scratch directory, and compared.

    explain_syscalls.py TEACHROOT DIRECTORY <LINES

A call is found when the trace has one of its name with every quoted text and every flag that explain gave; `…` stands for anything. Prints what was not found; exit status 1 if something was not."""
import re
import subprocess
import sys

program, scratch = sys.argv[1:3]


def calls(explained):
    """The calls of an explanation: (name, [what its arguments must hold])."""
    for line in explained.splitlines():
        if not line.lstrip().startswith("-> "):
            continue
        for call in re.findall(r"[a-z0-9_]+(?:\([^()]*(?:\([^()]*\)[^()]*)*\))?", line.strip()[3:]):
            name, _, rest = call.partition("(")
            yield name, re.findall(r'"[^"]*"|[A-Z][A-Z0-9_]{3,}|/[A-Za-z0-9/_]+', rest[:-1])


def same(text):
    """A process is itself by whatever name."""
    return re.sub(r"/proc/(\d+|self|PID)", "/proc/PID", text)


def fits(seen, name, parts):
    if not re.search(rf"(^|[\s]){name}\(", seen):
        return False
    return all("…" in part or same(part.strip('"')) in same(seen) for part in parts)


failed = 0
checked = 0
for line in sys.stdin.read().splitlines():
    if not line.strip() or line.startswith("#"):
        continue
    explained = subprocess.run([program, "explain", line], capture_output=True, text=True).stdout
    traced = subprocess.run(["strace", "-f", "-qq", "-y", "-s", "200", "-o", "/proc/self/fd/1", "bash", "-c", line], cwd=scratch,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                            errors="replace", timeout=20).stdout.splitlines()
    for name, parts in calls(explained):
        checked += 1
        if not any(fits(seen, name, parts) for seen in traced):
            failed = 1
            print(f"{line}\n    {name} {' '.join(parts)}: strace saw no such call")
print(f"{checked} calls were compared")
sys.exit(failed)
