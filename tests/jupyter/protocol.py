"""The Jupyter project's own tests of a kernel (python3-jupyter-kernel-test), on ours."""
import unittest

import jupyter_kernel_test


class Teachroot(jupyter_kernel_test.KernelTests):
    kernel_name = "teachroot"
    language_name = "bash"
    file_extension = ".sh"
    code_hello_world = "echo hello, world"
    code_stderr = "exit"  # that there is a new shell is the kernel's own word
    completion_samples = [
        {"text": "unsh", "matches": {"unshare"}},
        {"text": "echo $TEACHROOT_NO", "matches": set()},
        {"text": "%less", "matches": {"%lesson", "%lessons"}},
        {"text": "ls /etc/pass", "matches": {"/etc/passwd", "/etc/passwd-"}},
    ]
    complete_code_samples = ["true", "for i in 1 2\ndo echo $i\ndone", "cat <<E\nx\nE", "%lesson 1", "# a comment"]
    incomplete_code_samples = ["for i in 1 2", "echo 'open", "cat <<E\nx", "echo \\", "if true", "ls |"]
    invalid_code_samples = ["echo )", "done", "if fi"]
    code_generate_error = "false"
    code_display_data = [{"code": "%state", "mime": "image/svg+xml"}, {"code": "%state", "mime": "text/plain"}]
    code_execute_result = [{"code": "%explain chroot /srv bash"}, {"code": "%explain unshare --pid"}]
    code_history_pattern = "%explain ch*"
    supported_history_operations = ("tail", "range", "search")
    code_inspect_sample = "unshare --pid --fork"
    code_clear_output = "clear"


if __name__ == "__main__":
    unittest.main()
