#include "repl/play/kernel.h"

#include "engine/lab/lab.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { EXIT_MACHINE = 3 };

int kernel_verb_main(int argc, char **argv)
{
    static char self[] = "teachroot-kernel";
    struct err err = { 0 };
    char program_path[PATH_MAX];
    int program = lab_open_program(NULL, LAB_KERNEL, &err);
    ssize_t n = readlink("/proc/self/exe", program_path, sizeof program_path - 1);
    if (program >= 0) {
        program_path[n < 0 ? 0 : n] = '\0';
        setenv("TEACHROOT_PROGRAM", program_path, 1); /* what is written down by `install` */
        argv[0] = self;
        fexecve(program, argv, environ);
        err_set(&err, errno, "run `teachroot-kernel`");
        close(program);
    }
    fprintf(stderr, "teachroot kernel: %s\n", err.message);
    return EXIT_MACHINE;
}
