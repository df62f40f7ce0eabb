/* The list of mistakes. */
#include "repl/lesson/parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int mistakes_add(struct lesson_mistakes *mistakes, int line, const char *format, va_list args)
{
    struct lesson_mistake *grown = realloc(mistakes->list, (mistakes->count + 1) * sizeof *grown);
    if (!grown)
        return -1;
    mistakes->list = grown;
    char *what = NULL;
    if (vasprintf(&what, format, args) < 0)
        return -1;
    mistakes->list[mistakes->count++] = (struct lesson_mistake){ .line = line, .what = what };
    return 0;
}

int lesson_mistakes_add(struct lesson_mistakes *mistakes, int line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int result = mistakes_add(mistakes, line, format, args);
    va_end(args);
    return result;
}

void mistake(struct parser *p, int line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (mistakes_add(&p->mistakes, line, format, args) < 0)
        p->oom = true;
    va_end(args);
}

void soft_mistake(struct parser *p, int line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (mistakes_add(&p->soft, line, format, args) < 0)
        p->oom = true;
    va_end(args);
}

int mistakes_join(struct lesson_mistakes *into, struct lesson_mistakes *from)
{
    if (from->count == 0)
        return 0;
    struct lesson_mistake *grown = realloc(into->list, (into->count + from->count) * sizeof *grown);
    if (!grown)
        return -1;
    memcpy(grown + into->count, from->list, from->count * sizeof *grown);
    into->list = grown;
    into->count += from->count;
    free(from->list);
    *from = (struct lesson_mistakes){ 0 };
    return 0;
}

static int by_line(const void *a, const void *b)
{
    const struct lesson_mistake *one = a, *two = b;
    if (one->line != two->line)
        return one->line < two->line ? -1 : 1;
    return strcmp(one->what, two->what);
}

void mistakes_sort(struct lesson_mistakes *mistakes)
{
    if (mistakes->count > 1)
        qsort(mistakes->list, mistakes->count, sizeof *mistakes->list, by_line);
}

void lesson_mistakes_free(struct lesson_mistakes *mistakes)
{
    for (size_t i = 0; i < mistakes->count; i++)
        free(mistakes->list[i].what);
    free(mistakes->list);
    *mistakes = (struct lesson_mistakes){ 0 };
}

char *kept(struct parser *p, char *s)
{
    if (!s)
        p->oom = true;
    return s;
}

void *array_grow(struct parser *p, void *array, size_t count, size_t size)
{
    if (count != 0 && (count < 4 || (count & (count - 1))))
        return array; /* room is made when the count reaches a power of two, from four on */
    void *grown = reallocarray(array, count == 0 ? 4 : count * 2, size);
    if (!grown)
        p->oom = true;
    return grown;
}
