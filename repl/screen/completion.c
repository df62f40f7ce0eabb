#include "repl/screen/completion_internal.h"

#include "engine/base/cleanup.h"
#include "engine/base/open.h"
#include "repl/screen/completion_groups.h"
#include "repl/screen/shell_words.h"

#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define MAX_CANDIDATES 20000

/* Words bash itself knows at the beginning of a command: bash(1), SHELL GRAMMAR and SHELL BUILTIN COMMANDS. */
static const char *const bash_words[] = {
    "alias",    "bg",        "bind",     "break",    "builtin", "caller",  "case",   "cd",      "command", "compgen",
    "complete", "compopt",   "continue", "coproc",   "declare", "dirs",    "disown", "do",      "done",    "echo",
    "elif",     "else",      "enable",   "esac",     "eval",    "exec",    "exit",   "export",  "false",   "fc",
    "fg",       "fi",        "for",      "function", "getopts", "hash",    "help",   "history", "if",      "in",
    "jobs",     "kill",      "let",      "local",    "logout",  "mapfile", "popd",   "printf",  "pushd",   "pwd",
    "read",     "readarray", "readonly", "return",   "select",  "set",     "shift",  "shopt",   "source",  "suspend",
    "test",     "then",      "time",     "times",    "trap",    "true",    "type",   "typeset", "ulimit",  "umask",
    "unalias",  "unset",     "until",    "wait",     "while",
};

/* Takes @text. */
static void add(struct found *found, char *text)
{
    if (found->count + 1 >= found->size) {
        size_t size = found->size ? found->size * 2 : 64;
        char **grown = reallocarray(found->list, size, sizeof *grown);
        if (!grown) {
            free(text);
            return;
        }
        found->list = grown;
        found->size = size;
    }
    if (text && found->count < MAX_CANDIDATES)
        found->list[found->count++] = text;
    else
        free(text);
}

static bool begins_with(const struct request *request, const char *name, const char *prefix)
{
    size_t len = strlen(prefix);
    return (request->options->ignore_case ? strncasecmp(name, prefix, len) : strncmp(name, prefix, len)) == 0;
}

void completion_offer(struct request *request, const char *name)
{
    if (begins_with(request, name, request->text) && strlen(name) >= request->hidden)
        add(request->found, shell_quote(name + request->hidden, request->open));
}

/* Variables. */

static const char *const shell_variables[] = { "BASH", "BASHPID", "HOSTNAME", "IFS",     "OLDPWD", "PATH", "PPID",
                                               "PS1",  "PWD",     "RANDOM",   "SECONDS", "SHLVL",  "UID",  "EUID" };

static void offer_variable(struct request *request, const char *name, size_t len, const char *dollar)
{
    bool braces = dollar[1] == '{';
    const char *typed = dollar + 1 + braces;
    if (len == 0 || strncmp(name, typed, strlen(typed)) != 0 || strlen(typed) > len)
        return;
    char *text;
    if (asprintf(&text, "%.*s%.*s%s", (int)(typed - request->word), request->word, (int)len, name, braces ? "}" : "") >=
        0)
        add(request->found, text);
}

static void offer_variables(struct request *request, const char *dollar)
{
    const struct observe_place *place = request->options->place;
    for (size_t i = 0; i < place->environment_len; i += strlen(place->environment + i) + 1)
        offer_variable(request, place->environment + i, strcspn(place->environment + i, "="), dollar);
    for (size_t i = 0; i < sizeof shell_variables / sizeof *shell_variables; i++)
        offer_variable(request, shell_variables[i], strlen(shell_variables[i]), dollar);
    for (const char *const *v = request->options->variables; v && *v; v++)
        offer_variable(request, *v, strlen(*v), dollar);
}

/* The `$` of a variable name that the word ends in, or NULL. */
static const char *variable_begun(const char *word, char open)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    const char *dollar = open == '\'' ? NULL : strrchr(word, '$');
    if (!dollar || (dollar > word && dollar[-1] == '\\'))
        return NULL;
    const char *name = dollar + 1 + (dollar[1] == '{');
    return name[strspn(name, letters)] == '\0' ? dollar : NULL;
}

/* Files. */

enum wanted { ANY_FILE, DIRECTORIES, PROGRAMS };

/* @directory as typed (with its last slash, or empty) as a path from the shell's root: `~/` and a leading `$NAME` expanded, @inside (a root within the root) put before
 * an absolute one. Returns false if it does not fit. */
static bool directory_path(const struct observe_place *place, const char *directory, bool tilde, const char *inside,
                           char *path, size_t size)
{
    const char *before = "", *value;
    size_t name = directory[0] == '$' ? strcspn(directory + 1, "/") : 0;
    if (tilde && directory[0] == '~' && directory[1] == '/' && (value = observe_place_variable(place, "HOME", 4))) {
        before = value;
        directory++;
    } else if (name > 0 && (value = observe_place_variable(place, directory + 1, name))) {
        before = value;
        directory += 1 + name;
    } else if (directory[0] != '/') {
        before = place->cwd;
    } else if (inside) {
        before = inside;
    }
    const char *under = *before == '/' || !*before ? "" : place->cwd;
    return snprintf(path, size, "%s/%s/%s", under, before, directory) < (int)size;
}

/* Is the entry a directory, and may it be executed? Symlinks are followed inside the root only. */
static mode_t entry_mode(const struct observe_place *place, int dir, const char *path, const struct dirent *entry)
{
    struct stat st = { 0 };
    char full[PATH_MAX + NAME_MAX + 2];
    if (entry->d_type == DT_DIR)
        return S_IFDIR | 0111;
    if (fstatat(dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return 0;
    if (!S_ISLNK(st.st_mode))
        return st.st_mode;
    snprintf(full, sizeof full, "%s/%s", path, entry->d_name);
    cleanup_close int target = open_policy(place->root, full, OPEN_IN_ROOT_PATH, NULL);
    return target >= 0 && fstat(target, &st) == 0 ? st.st_mode : 0;
}

/* A name with control characters cannot be typed as one line, nor shown. */
static bool can_be_typed(const char *name)
{
    for (; *name; name++)
        if ((unsigned char)*name < 0x20 || *name == 0x7f)
            return false;
    return true;
}

static void offer_files(struct request *request, const char *inside, enum wanted wanted)
{
    const struct observe_place *place = request->options->place;
    const char *slash = strrchr(request->text, '/');
    const char *base = slash ? slash + 1 : request->text;
    cleanup_free char *directory = strndup(request->text, (size_t)(base - request->text));
    char path[PATH_MAX];
    if (!directory || !directory_path(place, directory, !request->open, inside, path, sizeof path))
        return;
    int fd = open_policy(place->root, path, OPEN_IN_ROOT_DIRECTORY, NULL);
    cleanup_dir DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir) {
        if (fd >= 0)
            close(fd);
        return;
    }
    const char *typed_slash = strrchr(request->word, '/');
    size_t kept = typed_slash ? (size_t)(typed_slash + 1 - request->word) : 0;
    size_t hidden = typed_slash || strlen(directory) > request->hidden ? 0 : request->hidden - strlen(directory);
    struct dirent *entry;
    while ((entry = readdir(dir))) {
        const char *name = entry->d_name;
        if (!begins_with(request, name, base) || (name[0] == '.' && base[0] != '.') || strcmp(name, ".") == 0 ||
            strcmp(name, "..") == 0 || strlen(name) < hidden || !can_be_typed(name))
            continue;
        mode_t mode = entry_mode(place, fd, path, entry);
        if (!S_ISDIR(mode) && (wanted == DIRECTORIES || (wanted == PROGRAMS && !(S_ISREG(mode) && mode & 0111))))
            continue;
        cleanup_free char *quoted = shell_quote(name + hidden, request->open);
        char *text;
        if (quoted && asprintf(&text, "%.*s%s%s", (int)kept, request->word, quoted, S_ISDIR(mode) ? "/" : "") >= 0)
            add(request->found, text);
    }
}

/* Commands. */

/* @inside: a root within the root whose programs are meant, or NULL. */
static void offer_commands(struct request *request, const char *inside, bool first_word)
{
    const struct observe_place *place = request->options->place;
    const char *path = observe_place_variable(place, "PATH", 4);
    for (const char *const *c = request->options->commands; first_word && c && *c; c++)
        completion_offer(request, *c);
    for (size_t i = 0; !inside && i < sizeof bash_words / sizeof *bash_words; i++)
        completion_offer(request, bash_words[i]);
    for (size_t len; path && *path; path += len + (path[len] == ':')) {
        len = strcspn(path, ":");
        cleanup_free char *named = strndup(path, len);
        char directory[PATH_MAX];
        bool fits = named && directory_path(place, named, false, inside, directory, sizeof directory);
        int fd = fits ? open_policy(place->root, directory, OPEN_IN_ROOT_DIRECTORY, NULL) : -1;
        cleanup_dir DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
        struct dirent *entry;
        while (dir && (entry = readdir(dir)))
            if (begins_with(request, entry->d_name, request->text) && entry->d_name[0] != '.') {
                mode_t mode = entry_mode(place, fd, directory, entry);
                if (S_ISREG(mode) && mode & 0111)
                    completion_offer(request, entry->d_name);
            }
        if (!dir && fd >= 0)
            close(fd);
    }
}

/* What the tables know of the word: options, verbs, values. */

struct offering {
    struct request *request;
    size_t listed; /* bytes of the word up to the last of its commas: each of a list is completed for itself */
    size_t count;  /* how many were offered */
};

static void offer_known(const char *name, void *data)
{
    struct offering *offering = data;
    char *whole;
    offering->count++;
    if (asprintf(&whole, "%.*s%s", (int)offering->listed, offering->request->text, name) < 0)
        return;
    completion_offer(offering->request, whole);
    free(whole);
}

/* Returns whether the word is one of those, so that no file is meant. */
static bool offer_from_tables(struct request *request, const char *line, size_t start,
                              const struct explain_place *place)
{
    const char *comma = strrchr(request->text, ',');
    struct offering offering = { .request = request, .listed = comma ? (size_t)(comma + 1 - request->text) : 0 };
    size_t before = request->found->count;
    if (place->expects >= EXPLAIN_GROUP) {
        offering.listed = 0;
        completion_groups(request->options->place, place->expects, request->text, offer_known, &offering);
        return true;
    }
    explain_offers(line, start, request->text[0] == '-', offer_known, &offering);
    return request->found->count > before;
}

/* The word as the shell will read it, from its true beginning on: before an open quote there may stand more of it. */
static bool read_word(struct request *request, const char *line, size_t start)
{
    const char *breaks = shell_word_breaks(line, start);
    size_t begin = start;
    while (begin > 0) {
        char before = line[begin - 1];
        if (before != '"' && before != '\'' && strchr(breaks, before) && !shell_is_quoted(line, begin - 1))
            break;
        begin--;
    }
    request->open = shell_open_quote(line, start);
    cleanup_free char *prefix = strndup(line + begin, start - begin);
    cleanup_free char *prefix_text = prefix ? shell_unquote(prefix, 0) : NULL;
    cleanup_free char *word_text = shell_unquote(request->word, request->open);
    if (!prefix_text || !word_text)
        return false;
    request->hidden = strlen(prefix_text);
    if (asprintf(&request->text, "%s%s", prefix_text, word_text) < 0)
        request->text = NULL;
    return request->text;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static char **finish(struct found *found)
{
    if (found->count == 0) {
        free(found->list);
        return NULL;
    }
    qsort(found->list, found->count, sizeof *found->list, compare);
    size_t kept = 1;
    for (size_t i = 1; i < found->count; i++)
        if (strcmp(found->list[i], found->list[kept - 1]) == 0)
            free(found->list[i]);
        else
            found->list[kept++] = found->list[i];
    found->list[kept] = NULL;
    return found->list;
}

char **completion_candidates(const struct completion_options *options, const char *line, const char *word, size_t start)
{
    struct found found = { 0 };
    struct request request = { .options = options, .word = word, .found = &found };
    struct explain_place place;
    if (!read_word(&request, line, start) || explain_place(line, start, &place) < 0) {
        free(request.text);
        return NULL;
    }
    const char *dollar = variable_begun(word, request.open);
    bool command = place.expects == EXPLAIN_COMMAND;
    if (dollar)
        offer_variables(&request, dollar);
    else if (place.word_count && strcmp(place.words[0], "docker") == 0) {
        if (place.expects == EXPLAIN_FILE || !completion_of_docker(&request, place.words, place.word_count))
            offer_files(&request, place.root, ANY_FILE);
    } else if (command && request.text[0] != '-' && !strchr(request.text, '/') && *request.text != '~')
        offer_commands(&request, place.root, place.first);
    else if (!offer_from_tables(&request, line, start, &place))
        offer_files(&request, place.root,
                    command                              ? PROGRAMS
                    : place.expects == EXPLAIN_DIRECTORY ? DIRECTORIES
                                                         : ANY_FILE);
    explain_place_free(&place);
    free(request.text);
    return finish(&found);
}

void completion_free(char **candidates)
{
    for (char **c = candidates; c && *c; c++)
        free(*c);
    free(candidates);
}
