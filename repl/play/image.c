#include "repl/play/image.h"

#include "engine/lab/lab.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_MACHINE = 3 };

int image_verb_main(int argc, char **argv)
{
    struct err err = { 0 };
    int program = lab_open_program(NULL, LAB_TRANSFER, &err);
    char **words = calloc((size_t)argc + 2, sizeof *words);
    static char self[] = "teachroot-transfer", verb[] = "image";
    if (program >= 0 && words) {
        words[0] = self;
        words[1] = verb;
        memcpy(words + 2, argv + 1, (size_t)(argc > 1 ? argc - 1 : 0) * sizeof *words);
        fexecve(program, words, environ);
        err_set(&err, errno, "run `teachroot-transfer`");
    }
    free(words);
    if (program >= 0)
        close(program);
    fprintf(stderr, "teachroot image: %s\n", err.code ? err.message : "out of memory");
    return EXIT_MACHINE;
}
