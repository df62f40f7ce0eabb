#include "engine/tools/program.h"

#include "engine/observe/observe.h"

#include <ctype.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *shell_path(void)
{
    const char *shell = getenv("SHELL");
    return shell && *shell ? shell : "/bin/sh";
}

/* A login shell: its name begins with a dash. */
static void shell_name(const char *shell, char *name, size_t size)
{
    const char *slash = strrchr(shell, '/');
    snprintf(name, size, "-%s", slash ? slash + 1 : shell);
}

int program_run(const char *tool, char **argv)
{
    char name[256];
    const char *program = argv[0];
    if (program) {
        execvp(program, argv);
    } else {
        program = shell_path();
        shell_name(program, name, sizeof name);
        execl(program, name, (char *)NULL);
    }
    int failure = errno;
    const char *why = "";
    /* The kernel says the same of a missing program and of a missing loader or interpreter. */
    if (failure == ENOENT && strchr(program, '/') && access(program, F_OK) == 0)
        why = " (it is there, but the loader or interpreter it names is not)";
    fprintf(stderr, "%s: exec `%s`: %s%s\n", tool, program, strerror(failure), why);
    return failure == ENOENT ? 127 : 126;
}

void program_explain(char **argv, struct tool_explanation *e)
{
    char name[256];
    if (!argv[0]) {
        shell_name(shell_path(), name, sizeof name);
        explain_call(e, "execve(\"%s\", [\"%s\"])", shell_path(), name);
        explain_why(e, "no program was named: your shell, as a login shell");
        return;
    }
    char words[512] = "";
    size_t len = 0;
    for (size_t i = 0; argv[i] && len < sizeof words; i++)
        len += (size_t)snprintf(words + len, sizeof words - len, "%s\"%s\"", i ? ", " : "", argv[i]);
    explain_call(e, "execve(\"%s\", [%s%s])", argv[0], words, len >= sizeof words ? "…" : "");
    explain_why(e, strchr(argv[0], '/')
                       ? "the program takes this process over; namespaces, ids, root and cwd stay"
                       : "the program, found by PATH in the root there is by then, takes this process over");
}

void program_end_as(pid_t pid, bool stops)
{
    int status;
    for (;;) {
        pid_t got = waitpid(pid, &status, stops ? WUNTRACED : 0);
        if (got < 0 && errno != EINTR)
            _exit(1);
        if (got != pid)
            continue;
        if (WIFSTOPPED(status)) {
            kill(getpid(), SIGSTOP);
            kill(pid, SIGCONT);
            continue;
        }
        if (WIFEXITED(status))
            _exit(WEXITSTATUS(status));
        int sig = WTERMSIG(status);
        sigset_t one;
        signal(sig, SIG_DFL);
        sigemptyset(&one);
        sigaddset(&one, sig);
        sigprocmask(SIG_UNBLOCK, &one, NULL);
        kill(getpid(), sig);
        _exit(128 + sig); /* as pid 1 of a namespace one survives one's own signals */
    }
}

const char *namespace_flags(int flags, char *text, size_t size)
{
    size_t len = 0;
    snprintf(text, size, "0");
    for (size_t i = 0; i < NAMESPACE_KINDS && len < size; i++) {
        char name[16];
        const char *kind = namespace_kinds[i].flag == CLONE_NEWNS ? "ns" : namespace_kinds[i].name;
        size_t n = 0;
        for (; kind[n] && n + 1 < sizeof name; n++)
            name[n] = (char)toupper((unsigned char)kind[n]);
        name[n] = '\0';
        if (flags & namespace_kinds[i].flag)
            len += (size_t)snprintf(text + len, size - len, "%sCLONE_NEW%s", len ? "|" : "", name);
    }
    return text;
}
