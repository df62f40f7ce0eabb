"""Types lines into `jupyter console` as a person would."""
import os
import sys

import pexpect

PROMPT = r"In \[\d+\]: "
DIALOGUE = [  # what is waited for, and typed then
    (PROMPT, "echo $((6 * 7))"),
    (r"\n42\r", None),
    (PROMPT, "cd /nowhere-at-all"),
    ("exit status 1", None),
    (PROMPT, "read -p 'Your name: ' name"),
    (r"\nYour name: ", "Ada"),
    (PROMPT, 'echo "<$name>"'),
    ("\n<Ada>", None),
    (PROMPT, "%explain chroot /srv bash"),
    (r"chroot\(", None),
]
console = pexpect.spawn(
    "/usr/bin/python3",
    ["-m", "jupyter_console", "--kernel=teachroot", "--ZMQTerminalInteractiveShell.simple_prompt=True"],
    encoding="utf-8",
    timeout=30,
    dimensions=(40, 100),
    env={**os.environ, "TERM": "dumb"},
)
console.logfile_read = sys.stdout
for awaited, typed in DIALOGUE:
    console.expect(awaited)
    if typed:
        console.sendline(typed)
console.expect(PROMPT)
console.sendeof()
console.expect("Do you really want to exit")
console.sendline("y")
console.expect(pexpect.EOF)
