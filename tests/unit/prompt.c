/* Keys in, line and cursor out. Each sequence is fed whole and byte by byte, and most are also typed at a real bash, which must agree. */
#include "repl/screen/prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wchar.h>

#include <cmocka.h>

#define PAUSE "\375" /* in a sequence: long enough for a lone ESC to count */
#define LEFT "\033[D"
#define RIGHT "\033[C"
#define UP "\033[A"
#define DOWN "\033[B"
#define HOME "\033[H"
#define END "\033[F"
#define DELETE "\033[3~"
#define ESCAPE "\033" PAUSE

static char directory[] = "/tmp/teachroot-prompt-XXXXXX";

static const char history_text[] = "unshare --mount\nchroot /srv/root\ncafé zürich\nchroot /srv/other\nlast one\n";
static const char emacs_rc[] = "set bell-style none\nset keyseq-timeout 50\n";
static const char vi_rc[] = "set editing-mode vi\nset bell-style none\nset keyseq-timeout 50\n";
static const char own_rc[] =
    "set bell-style none\nset keyseq-timeout 50\n\"\\C-t\": \"typed by a macro\"\nControl-g: kill-whole-line\n"
    "\"\\C-xw\": backward-kill-word\n$if Bash\nSpace: magic-space\n$endif\n";

enum whose { BASH_TOO, OURS_ALONE };

struct sequence {
    const char *promise;
    const char *rc, *keys, *line;
    int cells; /* of the cursor in what is drawn; -1: not checked */
    enum whose whose;
};

static const struct sequence sequences[] = {
    { "typed text stands in the line", emacs_rc, "echo hi", "echo hi", 7, BASH_TOO },
    { "left arrow moves back", emacs_rc, "abc" LEFT LEFT "X", "aXbc", 2, BASH_TOO },
    { "application-mode arrows move too", emacs_rc, "abc\033OD\033ODX\033OCY", "aXbYc", 4, BASH_TOO },
    { "Ctrl-A and Ctrl-E go to the ends", emacs_rc, "bc\001a\005d", "abcd", 4, BASH_TOO },
    { "Home and End go to the ends", emacs_rc, "bc" HOME "a" END "d", "abcd", 4, BASH_TOO },
    { "Ctrl-B and Ctrl-F move a character", emacs_rc, "abc\002\002\006X", "abXc", 3, BASH_TOO },
    { "Alt-B and Alt-F move a word", emacs_rc, "one two three\033b\033bX\033fY", "one XtwoY three", 9, BASH_TOO },
    { "Ctrl-arrows move a word", emacs_rc, "one two\033[1;5DX\033[1;5CY", "one XtwoY", 9, BASH_TOO },
    { "Backspace deletes back", emacs_rc, "abc\177\177X", "aX", 2, BASH_TOO },
    { "Ctrl-H deletes back", emacs_rc, "abc\010", "ab", 2, BASH_TOO },
    { "Delete deletes forward", emacs_rc, "abc" HOME DELETE, "bc", 0, BASH_TOO },
    { "Ctrl-D deletes forward", emacs_rc, "abc\001\004", "bc", 0, BASH_TOO },
    { "Ctrl-D at the end of a line does nothing", emacs_rc, "abc\004", "abc", 3, BASH_TOO },
    { "Ctrl-K and Ctrl-Y move the tail", emacs_rc, "one two\033b\013\001\031", "twoone ", 3, BASH_TOO },
    { "Ctrl-U kills to the beginning", emacs_rc, "one two" LEFT "\025", "o", 0, BASH_TOO },
    { "Ctrl-W kills a blank-delimited word", emacs_rc, "ls /a/b/c\027", "ls ", 3, BASH_TOO },
    { "Alt-Backspace kills a word of letters", emacs_rc, "ls /a/b/c\033\177", "ls /a/b/", 8, BASH_TOO },
    { "Alt-D kills the next word", emacs_rc, "one two\001\033d", " two", 0, BASH_TOO },
    { "kills in a row are joined", emacs_rc, "a b c\027\027\031", "a b c", 5, BASH_TOO },
    { "Alt-Y turns the kill ring", emacs_rc, "one\025" PAUSE "two" PAUSE "\025\031\033y", "one", 3, BASH_TOO },
    { "Ctrl-_ undoes", emacs_rc, "abc\001\013\037", "abc", 3, BASH_TOO },
    { "Ctrl-X Ctrl-U undoes", emacs_rc, "abc def\027\030\025", "abc def", 7, BASH_TOO },
    { "Alt-R undoes everything", emacs_rc, "abc\001\004\033r", "", 0, BASH_TOO },
    { "Ctrl-T swaps characters", emacs_rc, "sl\024", "ls", 2, BASH_TOO },
    { "Alt-T swaps words", emacs_rc, "b a\033t", "a b", 3, BASH_TOO },
    { "Alt-U, Alt-L, Alt-C change case", emacs_rc, "ab CD ef\001\033u\033l\033c", "AB cd Ef", 8, BASH_TOO },
    { "Alt-digit repeats", emacs_rc, "\0334x", "xxxx", 4, BASH_TOO },
    { "an argument moves several words back", emacs_rc, "a b c d\0332\033bX", "a b Xc d", 5, BASH_TOO },
    { "a sequence of keys ends a search and is a command", own_rc, "\022srv\030w", "srv/other", 0, BASH_TOO },
    { "an argument in progress is shown", emacs_rc, "ab\0333", "ab", 11,
      OURS_ALONE /* bash would read the next key as its operand */ },
    { "Ctrl-V inserts a key as it is", emacs_rc, "a\026\001b", "a\001b", 4, BASH_TOO },
    { "Ctrl-V Tab inserts a tab", emacs_rc, "a\026\tb", "a\tb", 4, BASH_TOO },
    { "Ctrl-V and a wide letter", emacs_rc, "a\026\303\251b\026\346\227\245c", "aéb日c", 6, BASH_TOO },
    { "Alt and a wide letter", emacs_rc, "a\033\303\251b", "aéb", 3, OURS_ALONE /* bash keeps half of it */ },
    { "vi: Esc and a wide letter", vi_rc, "ab\033\303\251x", "a", 0, OURS_ALONE },
    { "Ctrl-V Esc inserts an escape", emacs_rc, "\026\033[A", "\033[A", 4, BASH_TOO },
    { "Ctrl-V Ctrl-C inserts it and is no interrupt", emacs_rc, "a\026" PAUSE "\003b", "a\003b", 4, BASH_TOO },
    { "Ctrl-] searches a character", emacs_rc, "abcabc\001\035cX", "abXcabc", 3, BASH_TOO },
    { "Alt-\\ removes blanks round the cursor", emacs_rc, "a   b" LEFT "\033\\", "ab", 1, BASH_TOO },
    { "Alt-# comments out", emacs_rc, "ls\033#", "", -1, OURS_ALONE /* accepts the line */ },
    { "Up recalls the last line", emacs_rc, UP, "last one", 8, BASH_TOO },
    { "Up and Down walk the history", emacs_rc, UP UP UP DOWN, "chroot /srv/other", 17, BASH_TOO },
    { "Down comes back to the line begun", emacs_rc, "begun" UP UP DOWN DOWN, "begun", 5, BASH_TOO },
    { "Alt-< goes to the oldest line", emacs_rc, "\033<", "unshare --mount", 15, BASH_TOO },
    { "Alt-. brings the last argument", emacs_rc, "ls \033.", "ls one", 6, BASH_TOO },
    { "Alt-. again goes further back", emacs_rc, "ls \033.\033.", "ls /srv/other", 13, BASH_TOO },
    { "Ctrl-R finds the newest match", emacs_rc, "\022chro\005", "chroot /srv/other", 17, BASH_TOO },
    { "Ctrl-R again finds an older one", emacs_rc, "\022chro\022\005", "chroot /srv/root", 16, BASH_TOO },
    { "Ctrl-R takes wide letters", emacs_rc, "\022é z\005", "café zürich", 11, BASH_TOO },
    { "Ctrl-R ended by an arrow keeps the place", emacs_rc, "\022srv/r" LEFT "X", "chroot X/srv/root", 8, BASH_TOO },
    { "Ctrl-R ended by Esc keeps the line", emacs_rc, "\022unsh" ESCAPE "\005!", "unshare --mount!", 16, BASH_TOO },
    { "Ctrl-G gives a search up", emacs_rc, "mine\022chro\007", "mine", 4, BASH_TOO },
    { "Backspace in a search goes back", emacs_rc, "\022chroX\177\005", "chroot /srv/root", 16, BASH_TOO },
    { "Ctrl-S searches forward again", emacs_rc, "\022chro\022\023\023\005", "chroot /srv/other", 17, BASH_TOO },
    { "accented letters are one cell", emacs_rc, "caf\303\251" LEFT "X", "cafXé", 4, BASH_TOO },
    { "wide letters are two cells", emacs_rc, "\346\227\245\346\234\254" LEFT "X", "日X本", 3, BASH_TOO },
    { "a wide letter goes at one Backspace", emacs_rc, "\346\227\245\346\234\254\177", "日", 2, BASH_TOO },
    { "a combining accent takes no cell", emacs_rc, "e\314\201x", "e\314\201x", 2, BASH_TOO },
    { "the cursor steps over a letter with its accent", emacs_rc, "ae\314\201b" LEFT LEFT "X", "aXe\314\201b", 2,
      BASH_TOO },
    { "Delete takes a wide letter whole", emacs_rc, "\346\227\245\346\234\254\001\004", "本", 0, BASH_TOO },
    { "four-byte characters are whole", emacs_rc, "\360\237\230\200z" LEFT LEFT "a", "a😀z", 1, BASH_TOO },
    { "transposing wide letters", emacs_rc, "\346\227\245\346\234\254\024", "本日", 4, BASH_TOO },
    { "bytes that are not UTF-8 are dropped", emacs_rc, "a\377\376b\303(c", "ab(c", 4,
      OURS_ALONE /* bash takes raw bytes */ },
    { "overlong and surrogate forms are dropped", emacs_rc, "a\300\257\355\240\200b", "ab", 2, OURS_ALONE },
    { "a paste is inserted as text", emacs_rc, "a\033[200~b\tc\033[201~d", "ab\tcd", 6, BASH_TOO },
    { "keys inside a paste are not commands", emacs_rc, "x\033[200~a\001b\033[201~y", "xaby", 4,
      OURS_ALONE /* bash keeps the ^A */ },
    { "a paste is undone at once", emacs_rc, "a \033[200~long text\033[201~\037", "a ", 2, BASH_TOO },
    { "a paste into a search is searched for", emacs_rc, "\022\033[200~chroot /srv/r\033[201~\005", "chroot /srv/root",
      16, BASH_TOO },
    { "keys bound to nothing leave no litter", emacs_rc, "a\033[15~\033[1;2Qb\033OPc\033[[Ad", "abcd", 4,
      OURS_ALONE /* bash leaves the tail */ },
    { "Alt with such a key leaves none either", emacs_rc, "a\033\033[15~b\033[2", "ab", 2, OURS_ALONE },
    { "half a sequence is dropped when its rest does not come", emacs_rc, "a\033[2" PAUSE "b\033O" PAUSE "c", "abc", 3,
      OURS_ALONE },
    { "a sequence after a lone Esc is itself", emacs_rc, "abc" ESCAPE LEFT "X", "abXc", 3, OURS_ALONE },
    { "Esc Esc is two keys", emacs_rc, "ab\033" ESCAPE "c", "abc", 3, OURS_ALONE /* completes file names */ },
    { "Ctrl-Z and Ctrl-\\ do nothing", emacs_rc, "a\032\034b", "ab", 2, OURS_ALONE /* a tty makes signals of them */ },
    { "Ctrl-C drops the line", emacs_rc, "abc\003d", "d", 1, OURS_ALONE /* the answer comes on a new line */ },
    { "Ctrl-C ends a search", emacs_rc, "\022chro\003d", "d", 1, OURS_ALONE },
    { "Ctrl-C ends an argument and a half-typed key", emacs_rc, "x\0333\033\003d\030\003e", "e", 1, OURS_ALONE },
    { "Esc and a key typed later are Alt", emacs_rc, "one two" ESCAPE "bX", "one Xtwo", 5, BASH_TOO },
    { "a keyboard macro plays", emacs_rc, "\030(" PAUSE "a" PAUSE "b" PAUSE "\030)" PAUSE "\030e" PAUSE, "abab", 4,
      BASH_TOO },
    { "Insert switches to overwriting", emacs_rc, "abc\001\033[2~X", "Xbc", 1,
      OURS_ALONE /* Debian's bash binds it so only without its inputrc */ },

    { "vi: text is inserted first", vi_rc, "echo hi", "echo hi", 7, BASH_TOO },
    { "vi: Esc goes to command mode", vi_rc, "abc" ESCAPE "0iX", "Xabc", 1, BASH_TOO },
    { "vi: Esc and a key in one go", vi_rc, "abc\0330iX", "Xabc", 1, BASH_TOO },
    { "vi: x deletes under the cursor", vi_rc, "abc" ESCAPE "x", "ab", 1, BASH_TOO },
    { "vi: dw deletes a word", vi_rc, "one two" ESCAPE "0dw", "two", 0, BASH_TOO },
    { "vi: d$ deletes to the end", vi_rc, "one two" ESCAPE "0wd$", "one ", 3, BASH_TOO },
    { "vi: cw changes a word", vi_rc, "one two" ESCAPE "0cwX" ESCAPE, "X two", 0, BASH_TOO },
    { "vi: dd and p", vi_rc, "one" ESCAPE "ddp", "one", 2, BASH_TOO },
    { "vi: 3x takes a count", vi_rc, "abcdef" ESCAPE "03x", "def", 0, BASH_TOO },
    { "vi: d2w takes a count", vi_rc, "a b c d" ESCAPE "0d2w", "c d", 0, BASH_TOO },
    { "vi: fX goes to a character", vi_rc, "abcabc" ESCAPE "0fciX", "abXcabc", 3, BASH_TOO },
    { "vi: dfX deletes up to it", vi_rc, "abcabc" ESCAPE "0dfb", "cabc", 0, BASH_TOO },
    { "vi: ; repeats the search", vi_rc, "xaxax" ESCAPE "0fa;iY", "xaxYax", 4, BASH_TOO },
    { "vi: rX replaces one character", vi_rc, "abc" ESCAPE "0rX", "Xbc", 0, BASH_TOO },
    { "vi: rX replaces a wide one", vi_rc, "a\346\227\245c" ESCAPE "0lr\303\251", "aéc", 1, BASH_TOO },
    { "vi: ~ changes case", vi_rc, "abc" ESCAPE "0~~", "ABc", 2, BASH_TOO },
    { "vi: u undoes", vi_rc, "abc" ESCAPE "0xxu", "bc", 1, BASH_TOO },
    { "vi: . repeats", vi_rc, "abcdef" ESCAPE "0x..", "def", 0, BASH_TOO },
    { "vi: A appends at the end", vi_rc, "abc" ESCAPE "0AX", "abcX", 4, BASH_TOO },
    { "vi: I inserts at the beginning", vi_rc, "abc" ESCAPE "IX", "Xabc", 1, BASH_TOO },
    { "vi: k and j walk the history", vi_rc, ESCAPE "kkj", "last one", 0, BASH_TOO },
    { "vi: /text searches the history", vi_rc, ESCAPE "/root\r", "chroot /srv/other", 0, BASH_TOO },
    { "vi: arrows move while inserting", vi_rc, "abc" LEFT "X", "abXc", 3, BASH_TOO },
    { "vi: Ctrl-W kills a word while inserting", vi_rc, "one two\027", "one ", 4, BASH_TOO },
    { "vi: E goes to the end of a blank-delimited word", vi_rc, "ab/c d\303\251" ESCAPE "0Ex", "ab/ dé", 3, BASH_TOO },
    { "vi: E ends on an accented last letter", vi_rc, "a b\303\251" ESCAPE "0EEx", "a b", 2,
      OURS_ALONE /* bash hangs */ },
    { "vi: dE deletes to the end of the word", vi_rc, "ab/c d" ESCAPE "0dE", " d", 0, BASH_TOO },
    { "vi: 2E takes a count", vi_rc, "a bb cc" ESCAPE "02Ex", "a bb c", 5, BASH_TOO },
    { "vi: word motion w", vi_rc, "ab.c  d" ESCAPE "0wx", "abc  d", 2, BASH_TOO },
    { "vi: word motion W", vi_rc, "ab.c  d" ESCAPE "0Wx", "ab.c  ", 5, BASH_TOO },
    { "vi: word motion w at the last word", vi_rc, "ab cd" ESCAPE "0wwx", "ab c", 3, BASH_TOO },
    { "vi: word motion e", vi_rc, "ab.c d" ESCAPE "0ex", "a.c d", 1, BASH_TOO },
    { "vi: word motion e over blanks", vi_rc, "ab  cd" ESCAPE "0eex", "ab  c", 4, BASH_TOO },
    { "vi: word motion 3w", vi_rc, "a b c d" ESCAPE "03wx", "a b c ", 5, BASH_TOO },
    { "vi: word motion cw keeps the blank", vi_rc, "ab cd" ESCAPE "0cwX", "X cd", 1, BASH_TOO },
    { "vi: word motion dw at the end", vi_rc, "ab cd" ESCAPE "bdw", "ab ", 2, BASH_TOO },
    { "vi: word motion de", vi_rc, "ab cd" ESCAPE "0de", " cd", 0, BASH_TOO },
    { "vi: word motion dW", vi_rc, "a.b c" ESCAPE "0dW", "c", 0, BASH_TOO },
    { "vi: word motion yw and P", vi_rc, "ab cd" ESCAPE "0ywP", "ab ab cd", 2, BASH_TOO },
    { "vi: word motion c2w", vi_rc, "a b c" ESCAPE "0c2wX", "X c", 1, BASH_TOO },
    { "vi: word motion ce", vi_rc, "ab cd" ESCAPE "0ceX", "X cd", 1, BASH_TOO },
    { "vi: word motion w on one letter", vi_rc, "a" ESCAPE "0wiX", "Xa", 1, BASH_TOO },
    { "vi: w stops on an accented last letter", vi_rc, "a \303\251" ESCAPE "0wwwx", "a ", 1,
      OURS_ALONE /* bash hangs */ },
    { "vi: = lists and stays", vi_rc, "caf\303\251" ESCAPE "=", "café", 3, OURS_ALONE },
    { "vi: % goes to the matching bracket", vi_rc, "a(b[c]d)e" ESCAPE "0%x", "a(b[c]de", 7, BASH_TOO },
    { "vi: % without a bracket stays", vi_rc, "a\303\251" ESCAPE "0%x", "é", 0, OURS_ALONE /* bash hangs */ },
    { "vi: Ctrl-C goes back to inserting", vi_rc, "abc" ESCAPE "\003iX", "iX", 2, OURS_ALONE },

    { "init file: a key's macro", own_rc, "a \024", "a typed by a macro", 18, BASH_TOO },
    { "init file: a key's command", own_rc, "abc def\007X", "X", 1, BASH_TOO },
    { "init file: a two-key command", own_rc, "abc def\030w", "abc ", 4, BASH_TOO },
    { "init file: bash's own command names", own_rc, "a b", "a b", 3, BASH_TOO },
};
#define SEQUENCES (sizeof sequences / sizeof *sequences)
#define WORKERS 8

static void write_text(const char *name, const char *text, size_t len)
{
    FILE *f = fopen(name, "we");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, len, f), len);
    fclose(f);
}

static char *in_directory(const char *name)
{
    char *path;
    if (asprintf(&path, "%s/%s", directory, name) < 0)
        abort();
    return path;
}

static void remove_directory(void)
{
    static const char *const files[] = { "inputrc", "history", "bashrc" };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char *path = in_directory(files[i]);
        unlink(path);
        free(path);
    }
    rmdir(directory);
}

/* What the hooks saw, one line each. */
struct seen {
    char text[8192];
    struct prompt *prompt;
};

static void note(struct seen *seen, const char *what, const char *text)
{
    size_t len = strlen(seen->text);
    snprintf(seen->text + len, sizeof seen->text - len, "%s:%s\n", what, text);
}

static void on_accepted(const char *line, void *data)
{
    struct seen *seen = data;
    note(seen, "accepted", line);
    if (seen->prompt)
        prompt_remember(seen->prompt, line);
}
static void on_interrupted(void *data)
{
    note(data, "interrupted", "");
}
static void on_end(void *data)
{
    note(data, "end", "");
}
static void on_clear(void *data)
{
    note(data, "clear", "");
}
static void set_next_line(const char *line, void *data)
{
    struct prompt *prompt = *(struct prompt **)data;
    char next[64];
    snprintf(next, sizeof next, "after %s", line);
    prompt_set_line(prompt, next);
}
static void on_matches(char *const *matches, size_t count, void *data)
{
    for (size_t i = 0; i < count; i++)
        note(data, "match", matches[i]);
}

static char **complete(const char *line, const char *word, size_t start, void *data)
{
    static const char *const files[] = { "/etc/hostname", "/etc/hosts", "/srv/", "my\\ file", "my\\'file", "日本" };
    char what[256];
    snprintf(what, sizeof what, "%s|%s|%zu", line, word, start);
    note(data, "complete", what);
    char **list = calloc(sizeof files / sizeof *files + 1, sizeof *list);
    size_t n = 0;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (strncmp(files[i], word, strlen(word)) == 0)
            list[n++] = strdup(files[i]);
    return list;
}

struct answer {
    char line[1024];
    char text[1024];
    char rest[1024]; /* the suggestion's */
    size_t point, characters, cells;
    struct seen seen;
};

enum how { WHOLE, BYTE_BY_BYTE };

static void feed(struct prompt *prompt, const char *keys, enum how how)
{
    while (*keys) {
        size_t n = *keys == *PAUSE ? 0 : strcspn(keys, PAUSE);
        if (how == WHOLE)
            prompt_feed(prompt, keys, n);
        for (size_t i = 0; how == BYTE_BY_BYTE && i < n; i++)
            prompt_feed(prompt, keys + i, 1);
        keys += n;
        if (*keys == *PAUSE) {
            prompt_escape_timeout(prompt);
            keys++;
        }
    }
}

struct question {
    const char *rc, *keys, *history, *set_line, *suggestion;
    enum how how;
    bool no_locale, save;
};

/* Ask a prompt of its own process: readline keeps kills, macros and modes for ever. */
static struct answer ask(const struct question *question)
{
    struct answer answer = { 0 };
    int fds[2];
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char *rc = in_directory("inputrc"), *history = in_directory("history");
        write_text(rc, question->rc ? question->rc : "", question->rc ? strlen(question->rc) : 0);
        if (question->history)
            write_text(history, question->history, strlen(question->history));
        setenv("INPUTRC", rc, 1);
        if (question->no_locale) {
            setenv("LC_ALL", "C", 1);
            int none = open("/dev/null", O_RDWR);
            for (int fd = 0; fd < 3; fd++)
                dup2(none, fd);
            setsid();
        }
        static const struct prompt_hooks hooks_of = { on_accepted, on_interrupted, on_end, complete,
                                                      on_matches,  on_clear,       NULL };
        struct prompt_hooks hooks = hooks_of;
        hooks.data = &answer.seen;
        struct err err;
        struct prompt *prompt = prompt_new(&hooks, history, &err);
        if (!prompt)
            _exit(1);
        if (question->save)
            answer.seen.prompt = prompt;
        prompt_set_width(prompt, 24, 80);
        if (question->set_line)
            prompt_set_line(prompt, question->set_line);
        prompt_set_suggestion(prompt, question->suggestion);
        feed(prompt, question->keys, question->how);
        snprintf(answer.text, sizeof answer.text, "%s", prompt_text(prompt, &answer.cells));
        snprintf(answer.line, sizeof answer.line, "%s", prompt_line(prompt, &answer.point));
        snprintf(answer.rest, sizeof answer.rest, "%s", prompt_suggestion(prompt));
        char *before = strndup(answer.line, answer.point);
        answer.characters = mbstowcs(NULL, before, 0);
        free(before);
        prompt_free(prompt);
        free(rc);
        free(history);
        answer.seen.prompt = NULL;
        _exit(write(fds[1], &answer, sizeof answer) == (ssize_t)sizeof answer ? 0 : 2);
    }
    close(fds[1]);
    size_t len = 0;
    ssize_t n;
    while (len < sizeof answer && (n = read(fds[0], (char *)&answer + len, sizeof answer - len)) > 0)
        len += (size_t)n;
    close(fds[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(len, sizeof answer);
    return answer;
}

/* What a real bash holds after the same keys: its line, and the point in characters. Returns false if it never said. */
static bool ask_bash(const struct sequence *sequence, char *line, size_t size, long *point)
{
    static const char bashrc[] =
        "PS1='READY$ '\nstty -ixon\n"
        "for map in emacs-standard vi-insert vi-command; do\n"
        "bind -m $map -x '\"\\C-xq\": printf \"%s\\0%s\\0\" \"$READLINE_LINE\" \"$READLINE_POINT\" >&9'\n"
        "done\n";
    char *rc = in_directory("inputrc"), *history = in_directory("history"), *bash_rc = in_directory("bashrc");
    write_text(rc, sequence->rc, strlen(sequence->rc));
    write_text(history, history_text, strlen(history_text));
    write_text(bash_rc, bashrc, strlen(bashrc));
    int fds[2], master;
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    struct winsize window = { .ws_row = 24, .ws_col = 200 };
    fflush(NULL);
    pid_t child = forkpty(&master, NULL, NULL, &window);
    assert_true(child >= 0);
    if (child == 0) {
        dup2(fds[1], 9);
        setenv("INPUTRC", rc, 1);
        setenv("HISTFILE", history, 1);
        setenv("LC_ALL", "C.UTF-8", 1);
        setenv("TERM", "xterm", 1);
        setenv("PROMPT_COMMAND", "", 1);
        execl("/bin/bash", "bash", "--noprofile", "--rcfile", bash_rc, "-i", (char *)NULL);
        _exit(127);
    }
    close(fds[1]);
    char output[65536], said[2048];
    size_t output_len = 0, said_len = 0;
    const char *keys = sequence->keys;
    bool typed = false, ready = false;
    for (int turn = 0; turn < 200; turn++) {
        struct pollfd polls[2] = { { .fd = master, .events = POLLIN }, { .fd = fds[0], .events = POLLIN } };
        int n = poll(polls, 2, ready && !typed ? 0 : 100);
        if (n > 0 && (polls[0].revents & POLLIN)) {
            ssize_t got = read(master, output + output_len, sizeof output - output_len - 1);
            if (got > 0)
                output_len += (size_t)got;
            output[output_len] = '\0';
            ready = ready || strstr(output, "READY$ ");
        }
        if (n > 0 && (polls[1].revents & POLLIN)) {
            ssize_t got = read(fds[0], said + said_len, sizeof said - said_len);
            if (got > 0)
                said_len += (size_t)got;
            if (said_len > 0 && said[said_len - 1] == '\0' && memchr(said, '\0', said_len - 1))
                break;
        }
        if (ready && !typed) {
            size_t len = strcspn(keys, PAUSE);
            assert_int_equal(write(master, keys, len), len);
            keys += len;
            usleep(*keys ? 150000 : 0); /* keyseq-timeout is 50 ms */
            keys += *keys != '\0';
            if (!*keys) {
                assert_int_equal(write(master, "\030q", 2), 2);
                typed = true;
            }
        }
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(master);
    close(fds[0]);
    free(rc);
    free(history);
    free(bash_rc);
    if (said_len == 0)
        return false;
    snprintf(line, size, "%s", said);
    *point = atol(said + strlen(said) + 1);
    return true;
}

static void keys_give_the_line_and_cursor(void **state)
{
    int wrong = 0;
    for (size_t i = 0; i < SEQUENCES; i++)
        for (enum how how = WHOLE; how <= BYTE_BY_BYTE; how++) {
            const struct sequence *s = &sequences[i];
            struct question question = { .rc = s->rc, .keys = s->keys, .history = history_text, .how = how };
            struct answer answer = ask(&question);
            if (strcmp(answer.line, s->line) != 0 || (s->cells >= 0 && answer.cells != (size_t)s->cells)) {
                print_error("%s (%s): `%s` at %zu, expected `%s` at %d\n", s->promise,
                            how == WHOLE ? "whole" : "byte by byte", answer.line, answer.cells, s->line, s->cells);
                wrong++;
            }
        }
    assert_int_equal(wrong, 0);
}

/* Every WORKERS-th sequence from @first on; returns how many differ. */
static int compare_with_bash(size_t first)
{
    int wrong = 0;
    for (size_t i = first; i < SEQUENCES; i += WORKERS) {
        const struct sequence *s = &sequences[i];
        if (s->whose == OURS_ALONE)
            continue;
        char line[2048] = "";
        long point = -1;
        bool said = ask_bash(s, line, sizeof line, &point);
        struct question question = { .rc = s->rc, .keys = s->keys, .history = history_text };
        struct answer answer = ask(&question);
        if (!said || strcmp(answer.line, line) != 0 || (long)answer.characters != point) {
            print_error("%s: `%s` at %zu, bash%s has `%s` at %ld\n", s->promise, answer.line, answer.characters,
                        said ? "" : " said nothing,", line, point);
            wrong++;
        }
    }
    return wrong;
}

/* Most of the time is waiting for keys' timeouts, so several are typed at once, each in a directory of its own. */
static void bash_gives_the_same_line_and_point(void **state)
{
    pid_t workers[WORKERS];
    int compared = 0, failed = 0;
    for (size_t i = 0; i < SEQUENCES; i++)
        compared += sequences[i].whose == BASH_TOO;
    assert_true(compared >= 100);
    fflush(NULL);
    for (size_t k = 0; k < WORKERS; k++)
        if ((workers[k] = fork()) == 0) {
            if (!mkdtemp(strcpy(directory, "/tmp/teachroot-prompt-XXXXXX")))
                _exit(1);
            int wrong = compare_with_bash(k);
            remove_directory();
            _exit(wrong > 0);
        }
    for (size_t k = 0; k < WORKERS; k++) {
        int status = -1;
        waitpid(workers[k], &status, 0);
        failed += status != 0;
    }
    assert_int_equal(failed, 0);
}

static void each_accepted_line_is_told_once(void **state)
{
    static const struct {
        const char *keys, *seen, *line;
    } cases[] = {
        { "echo hi\r", "accepted:echo hi\n", "" },
        { "a\nb\rc", "accepted:a\naccepted:b\n", "c" },
        { "\r", "accepted:\n", "" },
        { "one\033[200~ two\nthree\r\nfour\033[201~!", "accepted:one two\naccepted:three\n", "four!" },
        { "\033[200~x\n\n\033[201~", "accepted:x\naccepted:\n", "" },
        { "\004", "end:\n", "" },
        { "ab\004\003\004", "interrupted:\nend:\n", "" },
        { "ls\003ps\r", "interrupted:\naccepted:ps\n", "" },
        { "x\014y", "clear:\n", "xy" },
        { "x\022chro\r", "accepted:chroot /srv/other\n", "" },
        { "ls\033#", "accepted:#ls\n", "" },
        { UP UP "\017", "accepted:chroot /srv/other\n", "last one" }, /* Ctrl-O: and fetch the next line */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (enum how how = WHOLE; how <= BYTE_BY_BYTE; how++) {
            struct answer answer =
                ask(&(struct question){ .keys = cases[i].keys, .history = history_text, .how = how });
            assert_string_equal(answer.seen.text, cases[i].seen);
            assert_string_equal(answer.line, cases[i].line);
        }
}

static void a_search_in_progress_shows_its_own_prompt(void **state)
{
    struct answer answer = ask(&(struct question){ .keys = "\022\303\251", .history = history_text });
    assert_string_equal(answer.text, "(reverse-i-search)`é': café zürich");
    assert_int_equal(answer.cells, strlen("(reverse-i-search)`x': caf"));
    answer = ask(&(struct question){ .keys = "\022nowhere", .history = history_text });
    assert_non_null(strstr(answer.text, "failed"));
}

static void control_characters_are_drawn_visibly(void **state)
{
    struct answer answer = ask(&(struct question){ .keys = "a\026\033\302\205b" });
    assert_string_equal(answer.line, "a\033\302\205b");
    assert_string_equal(answer.text, "a^[<85>b");
    assert_int_equal(answer.cells, 8);
}

static void the_mode_is_shown_where_the_init_file_asks(void **state)
{
    static const char rc[] =
        "set editing-mode vi\nset show-mode-in-prompt on\nset vi-ins-mode-string \"\\1\\e[6 q\\2+\"\n";
    struct answer answer = ask(&(struct question){ .rc = rc, .keys = "ab" });
    assert_string_equal(answer.text, "+ab");
    assert_int_equal(answer.cells, 3);
    answer = ask(&(struct question){ .rc = rc, .keys = "ab" ESCAPE });
    assert_string_equal(answer.text, "(cmd)ab");
}

static void a_suggestion_shows_while_it_agrees_and_is_taken_by_right(void **state)
{
    static const struct {
        const char *keys, *line, *rest;
    } cases[] = {
        { "", "", "" },
        { "uns", "uns", "hare -m bash" },
        { "unx", "unx", "" },
        { "uns" RIGHT, "unshare -m bash", "" },
        { "uns" END, "unshare -m bash", "" },
        { "uns\005", "unshare -m bash", "" },
        { "uns\033f", "unshare", " -m bash" },
        { "uns\033f\033f", "unshare -m", " bash" },
        { "uns" LEFT RIGHT, "uns", "hare -m bash" },
        { "uns" HOME END, "uns", "hare -m bash" },
        { "uns\001\005" RIGHT, "unshare -m bash", "" },
        { "uns" RIGHT "\037", "uns", "hare -m bash" }, /* undo takes it back */
        { "uns\033", "uns", "hare -m bash" },
        { "x\177" RIGHT, "", "" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (enum how how = WHOLE; how <= BYTE_BY_BYTE; how++) {
            struct answer answer =
                ask(&(struct question){ .keys = cases[i].keys, .suggestion = "unshare -m bash", .how = how });
            assert_string_equal(answer.line, cases[i].line);
            assert_string_equal(answer.rest, cases[i].rest);
        }
    struct answer answer = ask(&(struct question){ .rc = vi_rc, .keys = "un" RIGHT, .suggestion = "unshare -m bash" });
    assert_string_equal(answer.line, "unshare -m bash");
}

static void a_word_is_completed_from_the_callers_candidates(void **state)
{
    static const struct {
        const char *keys, *line, *seen;
    } cases[] = {
        { "ls /et\t", "ls /etc/host", "complete:ls /et|/et|3\n" },
        { "ls /etc/hostn\t", "ls /etc/hostname ", "complete:ls /etc/hostn|/etc/hostn|3\n" },
        { "ls /etc/ho\tx", "ls /etc/hostx", "complete:ls /etc/ho|/etc/ho|3\n" },
        { "ls /etc/host\t\t", "ls /etc/host",
          "complete:ls /etc/host|/etc/host|3\ncomplete:ls /etc/host|/etc/host|3\nmatch:hostname\nmatch:hosts\n" },
        { "ls /etc/host\033?", "ls /etc/host", "complete:ls /etc/host|/etc/host|3\nmatch:hostname\nmatch:hosts\n" },
        { "cd /s\t", "cd /srv/", "complete:cd /s|/s|3\n" }, /* no blank after a directory */
        { "cd \"/s\t", "cd \"/srv/", "complete:cd \"/s|/s|4\n" },
        { "cat \"/etc/hostn\t", "cat \"/etc/hostname\" ", "complete:cat \"/etc/hostn|/etc/hostn|5\n" },
        { "cat m\t", "cat my", "complete:cat m|m|4\n" }, /* never half of an escape */
        { "cat my\\ f\t", "cat my\\ file ", "complete:cat my\\ f|my\\ f|4\n" },
        { "cat \346\227\245\t", "cat 日本 ", "complete:cat 日|日|4\n" },
        { "dd of=/s\t", "dd of=/srv/", "complete:dd of=/s|/s|6\n" },
        { "mount -o lowerdir=/a,upperdir=/s\t", "mount -o lowerdir=/a,upperdir=/srv/",
          "complete:mount -o lowerdir=/a,upperdir=/s|/s|30\n" },
        { "PATH=/bin:/s\t", "PATH=/bin:/srv/", "complete:PATH=/bin:/s|/s|10\n" },
        { "ls /s x\002\002\t", "ls /srv/ x", "complete:ls /s|/s|3\n" },
        { "zzz\t", "zzz", "complete:zzz|zzz|0\n" },
        { "a;/s\t", "a;/srv/", "complete:a;/s|/s|2\n" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct answer answer = ask(&(struct question){ .keys = cases[i].keys });
        assert_string_equal(answer.line, cases[i].line);
        assert_string_equal(answer.seen.text, cases[i].seen);
    }
}

/* readline would be at it for half an hour. */
static void nothing_is_completed_in_a_line_of_a_megabyte(void **state)
{
    enum { LENGTH = 1 << 20 };
    char *line = malloc(LENGTH + 1);
    memset(line, 'a', LENGTH);
    line[LENGTH] = '\0';
    static const char *const keys[] = { "\t", "\t\t", "\033?", "\033*" };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        assert_string_equal(ask(&(struct question){ .set_line = line, .keys = keys[i] }).seen.text, "");
    free(line);
}

static void a_line_that_was_set_can_be_undone_and_edited(void **state)
{
    struct answer answer = ask(&(struct question){ .set_line = "chroot /srv caf\303\251", .keys = "!" });
    assert_string_equal(answer.line, "chroot /srv café!");
    assert_int_equal(answer.cells, 17);
    answer = ask(&(struct question){ .set_line = "chroot", .keys = "\037" });
    assert_string_equal(answer.line, "");
    answer = ask(&(struct question){ .rc = vi_rc, .set_line = "chroot", .keys = ESCAPE "x" });
    assert_string_equal(answer.line, "chroo");
}

static void it_works_without_a_terminal_and_in_the_c_locale(void **state)
{
    struct answer answer = ask(&(struct question){ .keys = "\346\227\245" LEFT "\303\251\r", .no_locale = true });
    assert_string_equal(answer.seen.text, "accepted:é日\n");
    answer = ask(&(struct question){ .keys = "\346\227\245\177x", .no_locale = true });
    assert_string_equal(answer.line, "x");
}

static void the_history_is_saved_bounded_and_private(void **state)
{
    char *path = in_directory("history");
    size_t size = 0;
    char *many = NULL;
    FILE *f = open_memstream(&many, &size);
    for (int i = 0; i < 2500; i++)
        fprintf(f, "old %d\n", i);
    fclose(f);
    ask(&(struct question){ .keys = "new\rnew\r secret\r\rl\303\251\r", .history = many, .save = true });
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    f = fopen(path, "re");
    char line[64], first[64] = "", last[64] = "", before[64] = "";
    size_t count = 0;
    while (fgets(line, sizeof line, f)) {
        if (count++ == 0)
            strcpy(first, line);
        strcpy(before, last);
        strcpy(last, line);
    }
    fclose(f);
    assert_int_equal(count, 2000);
    assert_string_equal(first, "old 502\n");
    assert_string_equal(before, "new\n");
    assert_string_equal(last, "lé\n");
    struct answer answer = ask(&(struct question){ .keys = UP UP });
    assert_string_equal(answer.line, "new");
    free(many);
    free(path);
}

/* Two lessons and all of them, in a process of its own as everything of readline's. */
static void each_lesson_has_its_lines_nearest_and_the_others_behind(void **state)
{
    pid_t child = fork();
    if (child == 0) {
        struct err err;
        struct seen seen = { 0 };
        static const struct prompt_hooks hook_table = { .accepted = on_accepted };
        struct prompt_hooks hooks = hook_table;
        char *path = in_directory("history");
        hooks.data = &seen;
        write_text(path, "before\n", 7);
        int failed = 0;
        for (int visit = 0; visit < 2; visit++) { /* the second time from the files alone */
            struct prompt *prompt = seen.prompt = prompt_new(&hooks, path, &err);
            failed |= prompt_open_lesson(prompt, "01-one.md", &err) < 0;
            if (visit == 0)
                prompt_feed(prompt, "one a\rone b\r", 12);
            failed |= prompt_open_lesson(prompt, "02-two.md", &err) < 0;
            if (visit == 0)
                prompt_feed(prompt, "two\r", 4);
            prompt_feed(prompt, UP, 3);
            failed |= strcmp(prompt_line(prompt, NULL), "two") != 0;
            prompt_feed(prompt, UP, 3);
            failed |= strcmp(prompt_line(prompt, NULL), "one b") != 0;
            failed |= prompt_open_lesson(prompt, "01-one.md", &err) < 0;
            static const char *const lines[] = { "one b", "one a", "two", "before" };
            for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
                prompt_feed(prompt, UP, 3);
                failed |= strcmp(prompt_line(prompt, NULL), lines[i]) != 0;
            }
            prompt_free(prompt);
        }
        _exit(failed);
    }
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    static const char *const files[] = { "history.01-one.md", "history.02-two.md" };
    for (size_t i = 0; i < 2; i++) {
        char *path = in_directory(files[i]);
        struct stat st;
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        unlink(path);
        free(path);
    }
}

static void a_line_from_a_hook_is_the_next_one(void **state)
{
    pid_t child = fork();
    if (child == 0) {
        struct err err;
        static struct prompt *prompt;
        static const struct prompt_hooks hooks = { .accepted = set_next_line, .data = &prompt };
        prompt = prompt_new(&hooks, NULL, &err);
        prompt_feed(prompt, "one\r", 4);
        int failed = strcmp(prompt_line(prompt, NULL), "after one") != 0;
        failed |= prompt_new(&hooks, NULL, &err) != NULL || err.code != EBUSY;
        prompt_clear(prompt);
        failed |= !prompt_empty(prompt);
        prompt_free(prompt);
        prompt = prompt_new(&hooks, NULL, &err); /* a second one after the first */
        prompt_feed(prompt, "two\r", 4);
        failed |= strcmp(prompt_line(prompt, NULL), "after two") != 0;
        prompt_free(prompt);
        _exit(failed);
    }
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
}

static void a_mistake_in_the_init_file_is_said_and_not_printed(void **state)
{
    char *rc = in_directory("inputrc");
    static const char text[] = "set no-such-variable on\nset editing-mode vi\n$if\n$endif\n$nonsense\n";
    write_text(rc, text, strlen(text));
    int fds[2];
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        dup2(fds[1], 1);
        dup2(fds[1], 2);
        setenv("INPUTRC", rc, 1);
        struct err err;
        static const struct prompt_hooks hooks = { 0 };
        struct prompt *prompt = prompt_new(&hooks, NULL, &err);
        int failed = !prompt || err.code != EINVAL || !strstr(err.message, "line 1");
        static const char rings[] = "\007\033\007\t\t\030\022x" ESCAPE "dd";
        prompt_feed(prompt, rings, strlen(rings));
        prompt_free(prompt);
        fflush(NULL);
        _exit(failed);
    }
    close(fds[1]);
    char printed[256];
    ssize_t len = read(fds[0], printed, sizeof printed);
    close(fds[0]);
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    assert_int_equal(len, 0);
    free(rc);
}

static void a_history_that_cannot_be_read_is_an_error(void **state)
{
    struct err err;
    static const struct prompt_hooks hooks = { 0 };
    assert_null(prompt_new(&hooks, directory, &err));
    assert_non_null(strstr(err.message, directory));
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    if (!mkdtemp(directory))
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_give_the_line_and_cursor),
        cmocka_unit_test(bash_gives_the_same_line_and_point),
        cmocka_unit_test(each_accepted_line_is_told_once),
        cmocka_unit_test(a_search_in_progress_shows_its_own_prompt),
        cmocka_unit_test(control_characters_are_drawn_visibly),
        cmocka_unit_test(the_mode_is_shown_where_the_init_file_asks),
        cmocka_unit_test(a_suggestion_shows_while_it_agrees_and_is_taken_by_right),
        cmocka_unit_test(a_word_is_completed_from_the_callers_candidates),
        cmocka_unit_test(nothing_is_completed_in_a_line_of_a_megabyte),
        cmocka_unit_test(a_line_that_was_set_can_be_undone_and_edited),
        cmocka_unit_test(it_works_without_a_terminal_and_in_the_c_locale),
        cmocka_unit_test(the_history_is_saved_bounded_and_private),
        cmocka_unit_test(each_lesson_has_its_lines_nearest_and_the_others_behind),
        cmocka_unit_test(a_line_from_a_hook_is_the_next_one),
        cmocka_unit_test(a_mistake_in_the_init_file_is_said_and_not_printed),
        cmocka_unit_test(a_history_that_cannot_be_read_is_an_error),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    remove_directory();
    return failed;
}
