/** One line of what strace -f -o writes, taken apart. Anything may stand in it: what has none of strace's forms is a LENS_LINE_OTHER. */
#ifndef REPL_SESSION_LENS_LINE_H
#define REPL_SESSION_LENS_LINE_H

#include <stdbool.h>
#include <sys/types.h>

enum lens_line_kind {
    LENS_LINE_OTHER,
    LENS_LINE_CALL,       /* "71<bash> chdir("/") = 0": name, arguments and result */
    LENS_LINE_UNFINISHED, /* "71<bash> wait4(-1,  <unfinished ...>": name and the first arguments; a resumed one follows, or the process ends in it */
    LENS_LINE_RESUMED, /* "71<bash> <... wait4 resumed>NULL, 0, NULL) = 72": name, the other arguments and the result */
    LENS_LINE_END,     /* "71<bash> +++ exited with 0 +++", "+++ killed by SIGKILL +++": the process is no more */
    LENS_LINE_SAID,    /* "strace: …": arguments is what strace itself has to say */
};

struct lens_line {
    enum lens_line_kind kind;
    pid_t pid;             /* as strace sees it */
    char process[16];      /* its name before its first execve; "": strace does not say, if it is an older one */
    const char *name;      /* in the line, as are the arguments */
    const char *arguments; /* without the parentheses and blanks at the ends */
    long result;
    int error;  /* errno's number here; 0: the call did not fail */
    bool ended; /* there is a result; false: "= ?", the call has not returned */
};

/** Take @text apart: a line without its newline, which is changed. Returns line->kind. */
enum lens_line_kind lens_line_parse(char *text, struct lens_line *line);

/** The number of errno @name ("EINVAL"), or 0. */
int lens_errno(const char *name);

#endif
