#include "repl/play/explain.h"

#include "engine/base/cleanup.h"
#include "repl/screen/utf8.h"
#include "repl/tutor/explain.h"

#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NOTHING_KNOWN = 1, WRONG_USAGE, NO_MEMORY, COLUMN = 22 };

static void print_usage(FILE *out)
{
    fprintf(out, "usage: teachroot explain LINE\n\n"
                 "Say what each word of LINE means, and under it the syscall it becomes. Nothing is run.\n"
                 "LINE is one command line, quoted: teachroot explain 'unshare --pid --fork chroot /srv/root bash'.\n"
                 "Several words are taken as one line: teachroot explain ls -l /proc\n\n"
                 "Exit status: 0; 1 if no word of it is known, 2 on wrong usage.\n");
}

void explain_print_word(FILE *out, const struct explain_word *word)
{
    unsigned cells = utf8_width(word->word, strlen(word->word));
    if (cells + 2 > COLUMN)
        fprintf(out, "%s\n%*s", word->word, COLUMN, "");
    else
        fprintf(out, "%s%*s", word->word, COLUMN - (int)cells, "");
    fprintf(out, "%s\n", word->meaning);
    if (word->syscall)
        fprintf(out, "%*s-> %s\n", COLUMN, "", word->syscall);
}

/* The words as they would be typed with blanks between, malloc'ed. */
static char *joined(int count, char **words)
{
    size_t size = 1;
    for (int i = 0; i < count; i++)
        size += strlen(words[i]) + 1;
    char *line = calloc(1, size), *to = line;
    for (int i = 0; line && i < count; i++)
        to = stpcpy(stpcpy(to, i ? " " : ""), words[i]);
    return line;
}

int explain_verb_main(int argc, char **argv)
{
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        print_usage(stdout);
        return 0;
    }
    int first = argc > 1 && strcmp(argv[1], "--") == 0 ? 2 : 1;
    if (first == 1 && argc > 1 && argv[1][0] == '-') {
        fprintf(stderr, "teachroot explain: no such option `%s`: `teachroot explain --help` says how it is used\n",
                argv[1]);
        return WRONG_USAGE;
    }
    cleanup_free char *line = joined(argc - first, argv + first);
    struct explanation explanation;
    if (!line || explain_line(line, &explanation) < 0) {
        fprintf(stderr, "teachroot explain: out of memory\n");
        return NO_MEMORY;
    }
    if (!line[strspn(line, " \t\n")]) {
        fprintf(stderr, "teachroot explain: which line? For example: teachroot explain 'unshare --pid --fork bash'\n");
        return WRONG_USAGE;
    }
    setlocale(LC_CTYPE, "C.UTF-8"); /* widths are those of the text */
    for (size_t i = 0; i < explanation.count; i++)
        explain_print_word(stdout, &explanation.words[i]);
    if (explanation.count == 0)
        fprintf(stderr, "teachroot explain: nothing is known of the words of `%s`: `man` may say more\n", line);
    int status = explanation.count == 0 ? NOTHING_KNOWN : fflush(stdout) == 0 && !ferror(stdout) ? 0 : NO_MEMORY;
    explanation_free(&explanation);
    return status;
}
