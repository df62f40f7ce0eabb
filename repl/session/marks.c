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

/* bash expands what is escaped here only when it prints the prompt, so the shell that prints it says who it is. PROMPT_COMMAND leaves $? as it was: bash
 * itself restores it. PS1 is wrapped whenever it is found unwrapped, since startup files and learners set it anew. */
static const char prompt_command[] =
    "PROMPT_COMMAND=builtin printf '\\033]133;D;%%s;k=%1$s;s=%%s\\007' \"$?\" \"$$.$SHLVL\"; "
    "case ${PS1-} in *'133;B;k=%1$s'*) ;; *) "
    "PS1='\\[\\e]133;A;k=%1$s;s=$$.$SHLVL\\a\\]'${PS1-}'\\[\\e]133;B;k=%1$s;s=$$.$SHLVL\\a\\]' ;; esac; "
    "case ${PS2-} in *'133;B;k=%1$s'*) ;; *) "
    "PS2='\\[\\e]133;A;k=%1$s;s=$$.$SHLVL\\a\\]'${PS2-}'\\[\\e]133;B;k=%1$s;s=$$.$SHLVL\\a\\]' ;; esac";
static const char ps0[] = "PS0=\\e]133;C;k=%1$s;s=$$.$SHLVL\\a";

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
