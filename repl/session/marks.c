#include "repl/session/marks.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void marks_nonce(char nonce[17])
{
    uint64_t number = 0;
    if (getrandom(&number, sizeof number, 0) !=
        (ssize_t)sizeof number) /* before the pool is ready: unguessable enough by address */
        number = (uint64_t)(uintptr_t)nonce * 0x9e3779b97f4a7c15u;
    snprintf(nonce, 17, "%016llx", (unsigned long long)number);
}

/* What is in a prompt bash expands only when it prints it, so the shell that prints it says who it is, and $? is the last command's whatever
 * PROMPT_COMMAND runs. All of it but C is therefore in PS1, and PROMPT_COMMAND only wraps what it finds unwrapped, since startup files and
 * learners set prompts anew. Its errors (a readonly PS1) and its trace under `set -x` are nobody's: stderr is closed, for a bare chroot has
 * no /dev/null. */
#define MARK(letter) "\\e]133;" letter ";k=%1$s;s=$$.${SHLVL-}\\a"
#define WRAP(prompt, before, after) /* unless it is: the nonce is in it */                                             \
    "case ${" prompt "-} in *'133;B;k=%1$s'*) ;; *) " prompt "='\\[" before "\\]'${" prompt "-}'\\[" after             \
    "\\]' ;; esac"
static const char prompt_command[] = "PROMPT_COMMAND={ " /* clang-format off */
    WRAP("PS1", MARK("D;$?") MARK("A"), MARK("B")) "; "
    WRAP("PS2", MARK("A"), MARK("B")) "; } 2>&-"; /* clang-format on */
static const char ps0[] = "PS0=" MARK("C");

char **marks_environment(const char *nonce)
{
    size_t prompt = (size_t)snprintf(NULL, 0, prompt_command, nonce) + 1,
           accepted = (size_t)snprintf(NULL, 0, ps0, nonce) + 1;
    char **list = malloc(3 * sizeof *list + prompt + accepted);
    if (!list)
        return NULL;
    char *text = (char *)(list + 3);
    list[0] = text;
    list[1] = text + prompt;
    list[2] = NULL;
    snprintf(list[0], prompt, prompt_command, nonce);
    snprintf(list[1], accepted, ps0, nonce);
    return list;
}
