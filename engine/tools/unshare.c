/* unshare: util-linux's options, as a request for the steps of unshare_steps.c. */
#include "engine/tools/tools.h"
#include "engine/tools/unshare.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mount.h>
#include <unistd.h>

/* Every one of these returns 0, or says what is wrong and returns the exit status. */

static int wrong_value(const char *option, const char *value, const char *wanted)
{
    return tool_wrong(&unshare_options, "%s: `%s` is not %s", option, value, wanted);
}

static void want_namespace(struct unshare_request *r, int flag, const char *file, int because)
{
    for (size_t i = 0; i < NAMESPACE_KINDS; i++)
        if (namespace_kinds[i].flag == flag) {
            if (!(r->namespaces & flag))
                r->because[i] = because;
            if (file)
                r->files[i] = file;
        }
    r->namespaces |= flag;
}

static void want_fork(struct unshare_request *r, int because)
{
    if (!r->fork)
        r->fork_because = because;
    r->fork = true;
}

/* A name of /etc/passwd or /etc/group, or a number. */
static int parse_name(const char *option, const char *text, bool group, uint32_t *id)
{
    const struct passwd *user = group ? NULL : getpwnam(text);
    const struct group *found = group ? getgrnam(text) : NULL;
    if (user)
        *id = user->pw_uid;
    else if (found)
        *id = found->gr_gid;
    else if (id_parse(text, id) < 0)
        return wrong_value(option, text, group ? "a group's name or number" : "a user's name or number");
    return 0;
}

/* OUTER,INNER,COUNT or auto. */
static int parse_range(const char *option, const char *text, const char *file, struct id_map *range)
{
    uint64_t numbers[3];
    char copy[128], *rest = copy;
    size_t n = 0;
    if (strcmp(text, "auto") == 0) {
        struct err err;
        if (userns_sub_range(file, geteuid(), 1, range, &err) < 0)
            return tool_error("unshare", "%s: %s (usermod --add-%ss gives one)", option, err.message, file + 5);
        return 0;
    }
    snprintf(copy, sizeof copy, "%s", text);
    for (const char *word; n < 3 && (word = strsep(&rest, ",")); n++)
        if (number_parse(word, UINT32_MAX, &numbers[n]) < 0)
            return wrong_value(option, text, "OUTER,INNER,COUNT in numbers, or `auto`");
    if (n != 3 || rest || numbers[2] == 0)
        return wrong_value(option, text, "OUTER,INNER,COUNT (at least 1), or `auto`");
    *range = (struct id_map){ .outside = (uint32_t)numbers[0],
                              .inside = (uint32_t)numbers[1],
                              .count = (uint32_t)numbers[2] };
    return 0;
}

/* "TERM", "SIGTERM", "term", "RTMIN+1"; no numbers, as the original. */
static int parse_signal(const char *text, int *sig)
{
    const char *name = strncasecmp(text, "SIG", 3) == 0 ? text + 3 : text;
    static const struct {
        const char *name;
        int sig;
    } others[] = { { "IOT", SIGIOT }, { "CLD", SIGCHLD }, { "POLL", SIGPOLL }, { "UNUSED", SIGSYS } };
    for (int i = 1; i < SIGRTMIN; i++) {
        const char *abbreviation = sigabbrev_np(i);
        if (abbreviation && strcasecmp(name, abbreviation) == 0) {
            *sig = i;
            return 0;
        }
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcasecmp(name, others[i].name) == 0) {
            *sig = others[i].sig;
            return 0;
        }
    bool from_end = strncasecmp(name, "RTMAX", 5) == 0;
    uint64_t n = 0, room = (uint64_t)(SIGRTMAX - SIGRTMIN);
    if ((from_end || strncasecmp(name, "RTMIN", 5) == 0) &&
        (!name[5] || (name[5] == (from_end ? '-' : '+') && number_parse(name + 6, room, &n) == 0))) {
        *sig = from_end ? SIGRTMAX - (int)n : SIGRTMIN + (int)n;
        return 0;
    }
    return wrong_value("--kill-child", text, "a signal's name");
}

static int parse_propagation(struct unshare_request *r, const char *text)
{
    static const struct {
        const char *word;
        unsigned long flag;
    } words[] = { { "slave", MS_SLAVE }, { "shared", MS_SHARED }, { "private", MS_PRIVATE }, { "unchanged", 0 } };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i].word, text) == 0) {
            r->propagation = words[i].flag;
            r->propagation_asked = true;
            return 0;
        }
    return wrong_value("--propagation", text, "slave, shared, private or unchanged");
}

static int parse_setgroups(struct unshare_request *r, const char *text)
{
    r->setgroups = strcmp(text, "allow") == 0 ? SETGROUPS_ALLOW : SETGROUPS_DENY;
    if (r->setgroups == SETGROUPS_ALLOW || strcmp(text, "deny") == 0)
        return 0;
    return wrong_value("--setgroups", text, "allow or deny");
}

static int parse_seconds(const char *option, const char *text, int64_t *seconds, bool *set)
{
    char *end;
    errno = 0;
    *seconds = strtoll(text, &end, 10);
    *set = true;
    return errno || end == text || *end ? wrong_value(option, text, "a number of seconds") : 0;
}

static int parse_id(const char *option, const char *text, uint32_t *id, bool *set)
{
    *set = true;
    return id_parse(text, id) < 0 ? wrong_value(option, text, "a number from 0 to 4294967294") : 0;
}

static void map_one(struct unshare_request *r, int because, bool user, bool group, uint32_t uid, uint32_t gid)
{
    want_namespace(r, CLONE_NEWUSER, NULL, because);
    if (user) {
        r->map_user = true;
        r->user = uid;
        r->user_because = because;
    }
    if (group) {
        r->map_group = true;
        r->group = gid;
        r->group_because = because;
    }
}

static int map_range(struct unshare_request *r, int because, const char *option, bool users, const char *text)
{
    want_namespace(r, CLONE_NEWUSER, NULL, because);
    *(users ? &r->users_because : &r->groups_because) = because;
    return parse_range(option, text, users ? "/etc/subuid" : "/etc/subgid", users ? &r->users : &r->groups);
}

static int take_option(struct unshare_request *r, int id)
{
    int status;
    uint32_t number = 0;
    switch (id) {
    case 'm':
    case 'u':
    case 'i':
    case 'n':
    case 'p':
    case 'U':
    case 'C':
    case 'T':
        want_namespace(r, namespace_kinds[namespace_find(tool_option_find(&unshare_options, id)->name)].flag, optarg,
                       id);
        return 0;
    case 'f':
        want_fork(r, id);
        return 0;
    case UNSHARE_KILL_CHILD:
        want_fork(r, id);
        r->kill_child = SIGKILL;
        return optarg ? parse_signal(optarg, &r->kill_child) : 0;
    case UNSHARE_MAP_USER:
        status = parse_name("--map-user", optarg, false, &number);
        map_one(r, id, true, false, number, 0);
        return status;
    case UNSHARE_MAP_GROUP:
        status = parse_name("--map-group", optarg, true, &number);
        map_one(r, id, false, true, 0, number);
        return status;
    case 'r':
        map_one(r, id, true, true, 0, 0);
        return 0;
    case 'c':
        map_one(r, id, true, true, r->euid, r->egid);
        return 0;
    case UNSHARE_MAP_USERS:
        return map_range(r, id, "--map-users", true, optarg);
    case UNSHARE_MAP_GROUPS:
        return map_range(r, id, "--map-groups", false, optarg);
    case UNSHARE_MAP_AUTO:
        status = map_range(r, id, "--map-auto", true, "auto");
        return status ? status : map_range(r, id, "--map-auto", false, "auto");
    case UNSHARE_MOUNT_PROC:
        want_namespace(r, CLONE_NEWNS, NULL, id);
        r->mount_proc = optarg ? optarg : "/proc";
        return 0;
    case UNSHARE_PROPAGATION:
        return parse_propagation(r, optarg);
    case UNSHARE_SETGROUPS:
        return parse_setgroups(r, optarg);
    case UNSHARE_KEEP_CAPS:
        r->keep_caps = true;
        return 0;
    case 'R':
        r->root = optarg;
        return 0;
    case 'w':
        r->wd = optarg;
        return 0;
    case 'S':
        return parse_id("--setuid", optarg, &r->uid, &r->setuid);
    case 'G':
        return parse_id("--setgid", optarg, &r->gid, &r->setgid);
    case UNSHARE_MONOTONIC:
        return parse_seconds("--monotonic", optarg, &r->monotonic, &r->monotonic_set);
    case UNSHARE_BOOTTIME:
        return parse_seconds("--boottime", optarg, &r->boottime, &r->boottime_set);
    default:
        return 0;
    }
}

static int check_request(const struct unshare_request *r)
{
    if ((r->monotonic_set || r->boottime_set) && !(r->namespaces & CLONE_NEWTIME))
        return tool_wrong(&unshare_options,
                          "--monotonic and --boottime set the clocks of a new time namespace: add --time");
    if (r->map_group && !r->groups.count && r->setgroups == SETGROUPS_ALLOW)
        return tool_wrong(&unshare_options,
                          "--setgroups=allow does not go with mapping your own group: without privilege the "
                          "kernel takes that map only once setgroups is denied");
    return 0;
}

int unshare_main(int argc, char **argv)
{
    struct unshare_request request = {
        .propagation = MS_PRIVATE,
        .self = getpid(),
        .euid = geteuid(),
        .egid = getegid(),
        .mapper = { .go = -1 },
        .binder = { .go = -1 },
    };
    struct tool_parser parser;
    struct err err;
    int id;
    tool_parse(&parser, &unshare_options, argc, argv);
    while ((id = tool_parse_next(&parser)) != -1) {
        int status = take_option(&request, id);
        if (status)
            return status;
    }
    if (parser.ended)
        return parser.status;
    int status = check_request(&request);
    if (status)
        return status;
    request.argv = argv + optind;
    if (parser.explain)
        return tool_explain(&unshare_options, unshare_steps, unshare_step_count, &request, stdout);
    if (tool_run(unshare_steps, unshare_step_count, &request, &err) < 0) {
        const char *advice = unshare_advice(&request, &err);
        tool_error("unshare", "%s", err.message);
        if (advice)
            tool_error("unshare", "%s", advice);
        return 1;
    }
    return program_run("unshare", request.argv);
}
