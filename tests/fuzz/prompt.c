/* Any bytes as keys: the point stays inside the line, what is drawn is UTF-8 and printable, and nothing hangs. The first byte chooses the editing mode and where the keys are cut. */
#include "repl/screen/prompt.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include <readline/history.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__asan_default_options(void);

/* readline 8.2 leaks a few bytes a search. */
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

static char **complete(const char *line, const char *word, size_t start, void *data)
{
    if (start > strlen(line) || strlen(word) > strlen(line))
        abort();
    char **list = calloc(3, sizeof *list);
    list[0] = strdup("a\\ b");
    list[1] = strdup("a\\'é");
    return list;
}

static void read_matches(char *const *matches, size_t count, void *data)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(matches[i]) > 64)
            abort();
}

static void check(struct prompt *prompt)
{
    size_t point, cells;
    const char *line = prompt_line(prompt, &point);
    if (point > strlen(line))
        abort();
    const char *text = prompt_text(prompt, &cells);
    if (mbstowcs(NULL, text, 0) == (size_t)-1)
        abort();
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            abort();
    (void)strlen(prompt_suggestion(prompt));
}

/* Repeating a command a million times, or repeating repeats, takes readline long and ends: not what is looked for. */
static bool counts_very_far(const uint8_t *data, size_t size)
{
    size_t digits = 0;
    for (size_t i = 0; i < size; i++)
        digits += data[i] >= '0' && data[i] <= '9';
    return digits > 3;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct prompt *prompt;
    if (!prompt) {
        static const struct prompt_hooks hooks = { .complete = complete, .show_matches = read_matches };
        setenv("INPUTRC", "/dev/null", 1);
        prompt = prompt_new(&hooks, NULL, NULL);
        prompt_set_suggestion(prompt, "chroot é");
    }
    if (size == 0 || counts_very_far(data, size))
        return 0;
    prompt_feed(prompt, "\033[201~", 6); /* whatever paste the last input left open */
    prompt_escape_timeout(prompt);
    prompt_clear(prompt);
    clear_history(); /* lines that earlier inputs edited grow for ever */
    add_history("chroot /srv/root");
    add_history("café zürich");
    prompt_clear(prompt);
    prompt_feed(prompt, data[0] & 1 ? "\033\n" : "", data[0] & 1 ? 2 : 0); /* emacs: Alt-Ctrl-J goes to vi mode */
    for (int i = 0; i < 10;
         i++) /* fill the kill ring: what earlier inputs left there would be yanked into ever longer lines */
        prompt_feed(prompt, "x\025", 2);
    size_t cut = 1 + (data[0] >> 1);
    for (size_t i = 1; i < size; i += cut) {
        size_t n = size - i < cut ? size - i : cut;
        prompt_feed(prompt, (const char *)data + i, n);
        check(prompt);
    }
    prompt_escape_timeout(prompt);
    check(prompt);
    return 0;
}
