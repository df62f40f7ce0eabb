/* Any bytes as what strace writes, in pieces of any size: rows that can be shown, as few as there is room for, everything freed. */
#include "repl/screen/lens_text.h"
#include "repl/session/lens_internal.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(const struct lens *lens)
{
    const struct lens_call *failures[8];
    char line[LENS_LINE_SIZE];
    uint64_t number = 0;
    if (lens_count(lens) > LENS_ROWS)
        abort();
    for (size_t i = 0; i < lens_count(lens); i++) {
        const struct lens_call *call = lens_call_at(lens, i);
        if (call->number <= number || strlen(call->arguments) > LENS_ARGUMENTS_MAX || !*call->name || !call->repeats)
            abort();
        number = call->number;
        lens_line_words(call, line, sizeof line);
        lens_matches(call, "failed -a b");
    }
    for (size_t i = lens_failures(lens, 1, failures, 8); i > 0; i--)
        if (!failures[i - 1]->error)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* The pids are beyond what there is, so that nothing is found in /proc. */
    static const char begin[] = "4194999<4> execve(\"/bin/bash\", [\"bash\"], 0x1 /* 9 vars */) = 0\n4194999<4> ";
    struct lens_wish wishes[LENS_WISHES];
    struct lens *lens = lens_new();
    char *text = malloc(size + 1);
    if (!lens || !text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    lens_expect(lens, wishes, lens_wishes(text, wishes));
    lens_begin(lens, 4194999);
    lens_feed(lens, begin, sizeof begin - 1, 0);
    size_t piece = size ? 1 + data[0] % 64 : 1;
    for (size_t at = 0; at < size; at += piece) {
        lens_feed(lens, text + at, piece < size - at ? piece : size - at, at);
        if (data[at] == '\n')
            lens_command(lens, (unsigned)at, at);
    }
    lens_feed(lens, "\n", 1, size);
    use(lens);
    free(text);
    lens_free(lens);
    return 0;
}
