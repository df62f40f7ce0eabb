/* The ordered table of links in lessons.md. */
#include "repl/lesson/curriculum.h"
#include "repl/lesson/parse.h"
#include "engine/base/cleanup.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define LONGEST_FILE (1024 * 1024)
#define MOST_LESSONS 1000

/** "DIRECTORY/NAME", malloc'ed, if it is a file that is there. */
static char *file_in(const char *directory, const char *name)
{
    char *path = NULL;
    if (asprintf(&path, "%s/%s", directory, name) < 0)
        return NULL;
    struct stat st;
    if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
        return path;
    free(path);
    return NULL;
}

/** Beside the program when it runs from where it was built (SOURCE/build/teachroot, or a deeper build directory): the source tree is an ancestor. Else the installed one. */
static char *file_of_program(const char *name)
{
    char program[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
    program[len > 0 ? len : 0] = '\0';
    for (int up = 0; up < 5; up++) {
        char *slash = strrchr(program, '/');
        if (!slash)
            break;
        *slash = '\0';
        char *path = file_in(program, name);
        if (path)
            return path;
    }
    return file_in(TEACHROOT_DATADIR, name);
}

static char *find_lessons(struct err *err)
{
    const char *given = getenv("TEACHROOT_LESSONS");
    char *path;
    if (given && *given) {
        struct stat st;
        path = stat(given, &st) == 0 && S_ISREG(st.st_mode) ? strdup(given) : file_in(given, "lessons.md");
        if (!path)
            err_say(err, ENOENT,
                    "find the lessons: TEACHROOT_LESSONS is `%s`, which neither is a lessons.md nor holds one", given);
        return path;
    }
    path = file_of_program("lessons.md");
    if (!path)
        err_say(err, ENOENT,
                "find the lessons: no lessons.md beside the program nor in `%s`; set TEACHROOT_LESSONS to where it is",
                TEACHROOT_DATADIR);
    return path;
}

static char *read_text(const char *path, struct err *err)
{
    cleanup_file FILE *file = fopen(path, "re");
    cleanup_free char *text = file ? malloc(LONGEST_FILE + 1) : NULL;
    if (!text) {
        err_set(err, errno, "read `%s`", path);
        return NULL;
    }
    size_t len = fread(text, 1, LONGEST_FILE, file);
    if (ferror(file) || !feof(file)) {
        err_set(err, ferror(file) ? errno : EFBIG, "read `%s`", path);
        return NULL;
    }
    text[len] = '\0';
    return take_ptr(&text);
}

static char *trim(char *s)
{
    s += strspn(s, " \t");
    size_t len = strlen(s);
    while (len > 0 && strchr(" \t\r\n", s[len - 1]))
        s[--len] = '\0';
    return s;
}

/** A cell's plain text, and where it links to if all of it is a link (else *target is NULL). Both malloc'ed. Returns false when memory ran out. */
static bool read_cell(const char *cell, char **text, char **target)
{
    cmark_node *document = cmark_parse_document(cell, strlen(cell), CMARK_OPT_DEFAULT);
    cmark_node *paragraph = document ? cmark_node_first_child(document) : NULL;
    cmark_node *link = paragraph ? cmark_node_first_child(paragraph) : NULL;
    bool is_link = link && cmark_node_get_type(link) == CMARK_NODE_LINK && !cmark_node_next(link);
    *target = is_link ? strdup(cmark_node_get_url(link)) : NULL;
    *text = document ? node_text(document) : NULL;
    bool read = *text && (!is_link || *target);
    if (document)
        cmark_node_free(document);
    return read;
}

/** Add @entry, whose strings are the curriculum's from now on even when it is refused. */
static int add_entry(struct curriculum *curriculum, struct curriculum_entry entry, const char *file, int line,
                     struct err *err)
{
    struct curriculum_entry *grown = reallocarray(curriculum->entries, curriculum->count + 1, sizeof *grown);
    if (!grown) {
        free(entry.title);
        free(entry.path);
        free(entry.summary);
        return err_set(err, ENOMEM, "read `%s`", file);
    }
    curriculum->entries = grown;
    grown[curriculum->count++] = entry;
    int before = curriculum->count > 1 ? grown[curriculum->count - 2].number : -1;
    struct stat st;
    if (curriculum->count > MOST_LESSONS)
        return err_say(err, E2BIG, "%s:%d: more than %d lessons", file, line, MOST_LESSONS);
    if (entry.number <= before)
        return err_say(err, EINVAL, "%s:%d: lesson %d comes after lesson %d, expected ascending numbers", file, line,
                       entry.number, before);
    if (stat(entry.path, &st) < 0)
        return err_set(err, errno, "%s:%d: lesson %d is `%s`", file, line, entry.number, entry.path);
    return 0;
}

/** A table's row: `| 1 | [A new root](lessons/01-a-new-root.md) | Build one. |`. A row without a number in front is passed over. */
static int read_row(struct curriculum *curriculum, const char *directory, char *row, int line, const char *file,
                    struct err *err)
{
    char *cells[4] = { NULL };
    size_t count = 0;
    row = trim(row) + 1; /* past the first bar */
    for (char *cell; count < 4 && (cell = strsep(&row, "|"));)
        cells[count++] = trim(cell);
    char *end = NULL;
    long number = count > 0 && *cells[0] ? strtol(cells[0], &end, 10) : -1;
    if (count < 3 || !end || *end != '\0' || number < 0 || number > 9999)
        return 0;
    cleanup_free char *title = NULL, *target = NULL, *summary = NULL, *summary_target = NULL, *path = NULL;
    if (!read_cell(cells[1], &title, &target) || !read_cell(count > 3 ? cells[2] : "", &summary, &summary_target))
        return err_set(err, ENOMEM, "read `%s`", file);
    if (!target || !*target)
        return err_say(err, EINVAL, "%s:%d: lesson %ld is `%s`, expected a link `[title](lessons/FILE.md)`", file, line,
                       number, cells[1]);
    if (asprintf(&path, "%s%s%s", *target == '/' ? "" : directory, *target == '/' ? "" : "/", target) < 0) {
        path = NULL;
        return err_set(err, ENOMEM, "read `%s`", file);
    }
    struct curriculum_entry entry = { (int)number, take_ptr(&title), take_ptr(&path), take_ptr(&summary) };
    return add_entry(curriculum, entry, file, line, err);
}

/** The first table whose rows are lessons. */
static int read_table(struct curriculum *curriculum, const char *file, char *text, struct err *err)
{
    cleanup_free char *directory = strdup(file);
    if (!directory)
        return err_set(err, ENOMEM, "read `%s`", file);
    char *slash = strrchr(directory, '/');
    *(slash ? slash : directory) = '\0';
    bool in_table = false;
    int number = 0;
    for (char *line; (line = strsep(&text, "\n"));) {
        number++;
        bool row = line[strspn(line, " ")] == '|';
        if (in_table && !row && curriculum->count > 0)
            return 0;
        in_table = row;
        if (row && read_row(curriculum, directory, line, number, file, err) < 0)
            return -1;
    }
    if (curriculum->count == 0)
        return err_say(
            err, EINVAL,
            "read `%s`: no table of lessons in it, expected rows `| 1 | [title](lessons/FILE.md) | summary |`", file);
    return 0;
}

int curriculum_load(struct curriculum *curriculum, struct err *err)
{
    *curriculum = (struct curriculum){ 0 };
    cleanup_free char *found = find_lessons(err);
    if (!found)
        return -1;
    cleanup_free char *path = realpath(found, NULL);
    if (!path)
        return err_set(err, errno, "read `%s`", found);
    cleanup_free char *text = read_text(path, err);
    if (!text)
        return -1;
    if (read_table(curriculum, path, text, err) == 0)
        return 0;
    curriculum_free(curriculum);
    return -1;
}

char *curriculum_file(const char *name, struct err *err)
{
    cleanup_free char *lessons = find_lessons(err);
    char *slash = lessons ? strrchr(lessons, '/') : NULL, *path = NULL;
    if (slash) {
        *slash = '\0';
        path = file_in(lessons, name);
    }
    if (!path)
        path = file_of_program(name);
    if (!path)
        err_say(err, ENOENT, "find `%s`: it is neither beside the lessons nor beside the program", name);
    return path;
}

void curriculum_free(struct curriculum *curriculum)
{
    for (size_t i = 0; i < curriculum->count; i++) {
        free(curriculum->entries[i].title);
        free(curriculum->entries[i].path);
        free(curriculum->entries[i].summary);
    }
    free(curriculum->entries);
    *curriculum = (struct curriculum){ 0 };
}

static char *copy(const char *path, struct err *err)
{
    char *s = strdup(path);
    if (!s)
        err_set(err, ENOMEM, "find lesson `%s`", path);
    return s;
}

/** "0, 1, 2": the numbers there are. */
static void list_numbers(const struct curriculum *curriculum, char *buf, size_t size)
{
    size_t len = 0;
    buf[0] = '\0';
    for (size_t i = 0; i < curriculum->count && len < size; i++)
        len += (size_t)snprintf(buf + len, size - len, "%s%d", i ? ", " : "", curriculum->entries[i].number);
}

char *curriculum_find(const struct curriculum *curriculum, const char *name, struct err *err)
{
    char numbers[256];
    list_numbers(curriculum, numbers, sizeof numbers);
    size_t digits = strspn(name, "0123456789");
    if (digits > 0 && digits < 6 && name[digits] == '\0') {
        for (size_t i = 0; i < curriculum->count; i++)
            if (curriculum->entries[i].number == atoi(name))
                return copy(curriculum->entries[i].path, err);
        err_say(err, ENOENT, "find lesson `%s`: there is none of that number, the lessons are %s", name, numbers);
        return NULL;
    }
    struct stat st;
    if (stat(name, &st) == 0 && !S_ISDIR(st.st_mode)) {
        char *path = realpath(name, NULL);
        if (!path)
            err_set(err, errno, "find lesson `%s`", name);
        return path;
    }
    if (strchr(name, '/') && stat(name, &st) == 0) {
        err_say(err, EISDIR, "find lesson `%s`: it is a directory, and a lesson is a file", name);
        return NULL;
    }
    const struct curriculum_entry *found = NULL;
    for (size_t i = 0; i < curriculum->count && *name; i++) {
        const struct curriculum_entry *entry = &curriculum->entries[i];
        if (strncasecmp(entry->title, name, strlen(name)) != 0)
            continue;
        if (found && strcasecmp(found->title, name) != 0) {
            err_say(err, EINVAL, "find lesson `%s`: both `%s` (%d) and `%s` (%d) begin so", name, found->title,
                    found->number, entry->title, entry->number);
            return NULL;
        }
        found = found ? found : entry;
    }
    if (found)
        return copy(found->path, err);
    err_say(err, ENOENT, "find lesson `%s`: no such file, and no title begins so; the lessons are %s", name, numbers);
    return NULL;
}
