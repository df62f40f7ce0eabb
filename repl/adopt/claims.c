#include "repl/adopt/claims.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_CLAIMS 40 /* of a step: each is tried twice, and what the trial says has an end */

#define MOST_OF_A_SUBJECT 4 /* of those that are proved, so that each subject is heard */

int claims_add(struct adopt_claims *claims, enum claim_subject subject, unsigned group, const char *format, ...)
{
    char *text;
    va_list args;
    va_start(args, format);
    int made = vasprintf(&text, format, args);
    va_end(args);
    if (made < 0)
        return -1;
    bool known = claims->count >= MOST_CLAIMS;
    for (size_t i = 0; i < claims->count; i++)
        known |= strcmp(claims->list[i].text, text) == 0;
    if (known || strchr(text, '\n') || strstr(text, "-->")) { /* a comment could not hold it */
        free(text);
        return 0;
    }
    struct adopt_claim *grown = realloc(claims->list, (claims->count + 1) * sizeof *grown);
    if (!grown) {
        free(text);
        return -1;
    }
    claims->list = grown;
    grown[claims->count++] = (struct adopt_claim){ .subject = subject, .text = text, .group = group };
    return 0;
}

void claims_free(struct adopt_claims *claims)
{
    for (size_t i = 0; i < claims->count; i++)
        free(claims->list[i].text);
    free(claims->list);
    *claims = (struct adopt_claims){ 0 };
}

/* Is it a directory that another claim which is proved says something in? */
static bool is_implied(const struct adopt_claims *claims, const struct adopt_claim *claim)
{
    static const char directory[] = "assert directory";
    char inside[256];
    if (strncmp(claim->text, directory, strlen(directory)) != 0)
        return false;
    snprintf(inside, sizeof inside, "%.250s/", claim->text + strlen(directory));
    for (size_t i = 0; i < claims->count; i++)
        if (claims->list[i].after && !claims->list[i].before && claims->list[i].subject == CLAIM_FILE &&
            (strstr(claims->list[i].text, inside) || strncmp(claims->list[i].text, "assert runs", 11) == 0) &&
            strstr(claims->list[i].text, claim->text + strlen(directory)))
            return true;
    return false;
}

/* Is it of @subject, proved, and not said by one that is kept already? */
static bool is_wanted(const struct adopt_claim *claim, enum claim_subject subject, const struct adopt_claim **kept,
                      size_t count)
{
    if (claim->subject != subject || !claim->after || claim->before || (subject == CLAIM_LAST && count > 0))
        return false;
    for (size_t k = 0; k < count; k++)
        if (claim->group && kept[k]->group == claim->group)
            return false;
    return true;
}

size_t claims_proved(const struct adopt_claims *claims, const struct adopt_claim **kept, size_t max)
{
    size_t count = 0;
    for (enum claim_subject subject = CLAIM_TERMINAL; subject <= CLAIM_LAST; subject++) {
        size_t before = count;
        for (size_t i = 0; i < claims->count && count < max && count - before < MOST_OF_A_SUBJECT; i++)
            if (is_wanted(&claims->list[i], subject, kept, count) && !is_implied(claims, &claims->list[i]))
                kept[count++] = &claims->list[i];
    }
    return count;
}

char *claims_glob(const char *text, size_t most, const char *around)
{
    char glob[256];
    size_t len = (size_t)snprintf(glob, sizeof glob, "%.8s", around), room = sizeof glob - 16;
    for (const char *c = text; *c && *c != '\n' && len < room; c++) {
        bool begins = ((unsigned char)*c & 0xc0) != 0x80; /* a character, which is kept whole */
        if (begins && len >= most)
            break;
        if (strchr("*?[\\", *c))
            glob[len++] = '\\';
        glob[len++] = *c;
    }
    snprintf(glob + len, sizeof glob - len, "%.8s", around);
    return claims_word(glob);
}

char *claims_word(const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:@%+,=-";
    size_t quotes = 0, len = 0;
    if (*text && text[strspn(text, plain)] == '\0')
        return strdup(text);
    for (const char *c = text; *c; c++)
        quotes += *c == '\'';
    char *word = malloc(strlen(text) + 3 * quotes + 3);
    if (!word)
        return NULL;
    word[len++] = '\'';
    for (; *text; text++) {
        if (*text == '\'') {
            memcpy(word + len, "'\\''", 4);
            len += 4;
        } else {
            word[len++] = *text;
        }
    }
    word[len++] = '\'';
    word[len] = '\0';
    return word;
}
