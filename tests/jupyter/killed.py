"""Starts COUNT kernels, each with a lab in which something runs, and kills them by SIGKILL: each later after its start than the one before, so that some die while their lab is being built.
Fails if none of the kernels that were killed last had a lab."""
import os
import signal
import subprocess
import sys
import tempfile
import time

from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.connect import write_connection_file

count = int(sys.argv[1])
with tempfile.TemporaryDirectory(prefix="teachroot-test.") as directory:
    running, seen = [], 0
    for number in range(count):
        path, _ = write_connection_file(os.path.join(directory, f"{number}.json"))
        kernel = subprocess.Popen([os.environ["TEACHROOT"], "kernel", "-f", path])
        client = BlockingKernelClient(connection_file=path)
        client.load_connection_file()
        client.start_channels()
        client.execute("unshare --fork --pid --mount-proc bash -c 'mount -t tmpfs none /mnt; sleep 98761' &\nsleep 98761")
        running.append((kernel, client))
        time.sleep(number * 0.01)
        if number % 2:  # two beside one another
            if number >= count - 10:
                labs = subprocess.run([os.environ["TEACHROOT"], "lab", "ls"], capture_output=True, text=True, check=True)
                seen += sum(str(kernel.pid) in labs.stdout.split() for kernel, _ in running)
            for kernel, client in running:
                kernel.send_signal(signal.SIGKILL)
                kernel.wait()
                client.stop_channels()
            running = []
    for kernel, client in running:
        kernel.kill()
        kernel.wait()
        client.stop_channels()
if not seen:
    sys.exit("no kernel had a lab when it was killed")
