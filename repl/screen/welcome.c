#include "engine/observe/host.h"
#include "repl/lesson/resume.h"
#include "repl/screen/view.h"

#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

/* What decides how a lesson feels here; the whole list is `teachroot doctor`. */
static const char *const shown_features[] = { "userns", "overlay", "idmap", "memcg", "strace" };

/* Only probes that answer at once: the screen must be there before one notices that it started. */
static void put_features(struct flow *flow, const struct screen *screen)
{
    for (size_t i = 0; i < sizeof(shown_features) / sizeof(shown_features[0]); i++) {
        const struct host_feature *feature = host_feature_find(shown_features[i]);
        char found[256] = "", mark[16];
        if (!feature || feature->slow)
            continue;
        enum host_answer answer = feature->probe(found, sizeof(found));
        snprintf(mark, sizeof(mark), "%s ",
                 theme_glyph(&screen->theme, answer == HOST_NO    ? GLYPH_FAILED
                                             : answer == HOST_YES ? GLYPH_PASSED
                                                                  : GLYPH_SKIPPED));
        flow_push(flow, mark, "  ", answer == HOST_YES ? ROLE_PASSED : ROLE_NOTICE);
        flow_format(flow, ROLE_TEXT, "%s", feature->what);
        if (answer != HOST_YES && *found)
            flow_format(flow, ROLE_FAINT, ": %s", found);
        flow_pop(flow);
    }
}

static void put_machine(struct flow *flow, const struct screen *screen)
{
    struct sysinfo info;
    bool root = geteuid() == 0 && !screen->options->lab.rootless;
    flow_text(flow, ROLE_STRONG, "This machine: ");
    if (sysinfo(&info) == 0)
        flow_format(flow, ROLE_TEXT, "%ld processors, %llu MiB of memory. ", sysconf(_SC_NPROCESSORS_ONLN),
                    (unsigned long long)info.totalram * info.mem_unit >> 20);
    flow_text(flow, ROLE_TEXT,
              root ? "You are root here, so the lab is the whole machine's view with limits set by the kernel."
                   : "You are an ordinary user here: the lab works without root, and lessons that need more say so.");
    flow_break(flow);
    put_features(flow, screen);
    flow_text(flow, ROLE_FAINT, "teachroot doctor says all of it, and what brings what is missing.");
    flow_break(flow);
}

static void put_where(struct flow *flow, const struct screen *screen)
{
    struct resume resume = resume_lesson(&screen->curriculum, screen->progress);
    if (resume.place < 0) {
        flow_text(flow, ROLE_NOTICE,
                  "No lessons were found. Start teachroot with a lesson's file, or set TEACHROOT_LESSONS.");
        return;
    }
    const struct curriculum_entry *entry = &screen->curriculum.entries[resume.place];
    bool all = resume.place == resume.finished;
    if (resume.finished >= 0) {
        flow_format(flow, ROLE_PASSED, "%s You have finished lesson %d.", theme_glyph(&screen->theme, GLYPH_PASSED),
                    screen->curriculum.entries[resume.finished].number);
        flow_text(flow, ROLE_TEXT, all ? " No lesson after it is open." : "");
        flow_break(flow);
    }
    flow_format(flow, ROLE_TODO, "%s Enter ", theme_glyph(&screen->theme, GLYPH_TODO));
    flow_format(flow, ROLE_STRONG, "%s lesson %d: %s",
                all                   ? "opens it again,"
                : !resume.begun       ? "begins"
                : resume.finished < 0 ? "goes on where you left off, in"
                                      : "goes on with",
                entry->number, entry->title);
    flow_break(flow);
    flow_text(flow, ROLE_TEXT, "  l lists the lessons; q quits.");
}

void welcome_put(struct flow *flow, const struct screen *screen)
{
    flow_text(flow, ROLE_HEADING, "teachroot");
    flow_blank(flow);
    flow_text(
        flow, ROLE_TEXT,
        "You build a Linux container by hand, one step at a time, in a real terminal. The kernel really does every "
        "step, and a step ticks itself off when the kernel's state says that it is done.");
    flow_blank(flow);
    flow_text(flow, ROLE_STRONG, "Nothing outside the lab can change.");
    flow_text(
        flow, ROLE_TEXT,
        " You work as root in a copy-on-write view of this machine. What you write, break or delete there is gone "
        "when you leave; the machine itself never sees it.");
    flow_blank(flow);
    put_machine(flow, screen);
    flow_blank(flow);
    put_where(flow, screen);
    if (*screen->message) {
        flow_blank(flow);
        flow_text(flow, screen->message_role, screen->message);
    }
}

void welcome_begin(struct screen *screen)
{
    struct resume resume = resume_lesson(&screen->curriculum, screen->progress);
    if (resume.place < 0)
        return;
    struct err err = { 0 };
    const char *path = screen->curriculum.entries[resume.place].path;
    overlay_show(screen, OVERLAY_NONE);
    if (screen_open_lesson(screen, path, 0, &err) < 0) {
        screen_message(screen, ROLE_FAILED, "%s", err.message);
        overlay_show(screen, OVERLAY_WELCOME);
    }
}
