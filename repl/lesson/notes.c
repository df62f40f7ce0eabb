#include "repl/lesson/lesson.h"

#include <stdlib.h>
#include <string.h>

unsigned notes_minutes(const char *notes)
{
    if (!notes)
        return 0;
    notes += strspn(notes, " \t\n");
    char *unit;
    unsigned long minutes = strtoul(notes, &unit, 10);
    bool told = unit != notes && *notes >= '0' && *notes <= '9' && strncmp(unit, " minute", 7) == 0;
    return told && minutes <= 24 * 60 ? (unsigned)minutes : 0;
}
