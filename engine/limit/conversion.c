#include "engine/limit/conversion.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* v1 says "no limit" by the largest multiple of a page. */
static uint64_t v1_unlimited(void)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    return INT64_MAX / page * page;
}

int cgroup_bytes(const char *text, uint64_t *bytes, struct err *err)
{
    static const char units[] = "kmgtpe";
    char *end;
    text += strspn(text, " \t");
    if (strncmp(text, "max", 3) == 0 || strncmp(text, "-1", 2) == 0) {
        size_t len = *text == 'm' ? 3 : 2;
        *bytes = UINT64_MAX;
        return text[len + strspn(text + len, " \n")] ? err_set(err, EINVAL, "size `%s`", text) : 0;
    }
    errno = 0;
    *bytes = strtoull(text, &end, 0);
    if (end == text || errno || *text == '-')
        return err_set(err, EINVAL, "size `%s`", text);
    const char *unit = *end ? strchr(units, *end | 0x20) : NULL;
    if (unit) {
        *bytes <<= 10 * (unsigned)(unit - units + 1);
        end++;
    }
    return end[strspn(end, " \n")] ? err_set(err, EINVAL, "size `%s`", text) : 0;
}

uint64_t cgroup_weight_of_shares(uint64_t shares)
{
    uint64_t weight = (shares * 100 + 512) / 1024;
    return weight < 1 ? 1 : weight > 10000 ? 10000 : weight;
}

uint64_t cgroup_shares_of_weight(uint64_t weight)
{
    return (weight * 1024 + 50) / 100;
}

static int number(const char *text, uint64_t *value, struct err *err)
{
    char *end;
    errno = 0;
    *value = strtoull(text, &end, 10);
    return end == text || errno || end[strspn(end, " \n")] || strchr(text, '-')
               ? err_set(err, EINVAL, "number `%s`", text)
               : 0;
}

__attribute__((format(printf, 3, 4))) static int assign(struct assignments *to, const char *file, const char *format,
                                                        ...)
{
    va_list args;
    va_start(args, format);
    snprintf(to->list[to->count].file, sizeof to->list->file, "%s", file);
    vsnprintf(to->list[to->count].value, sizeof to->list->value, format, args);
    va_end(args);
    to->count++;
    return 0;
}

/* --- the same value under another name --- */

static int write_same_v2(const struct cgroup *group, const struct cgroup_name *row, const char *value,
                         struct assignments *to, struct err *err)
{
    return assign(to, row->v2, "%s", value);
}
static int write_same_v1(const struct cgroup *group, const struct cgroup_name *row, const char *value,
                         struct assignments *to, struct err *err)
{
    return assign(to, row->v1, "%s", value);
}
static int read_same_v2(const struct cgroup *group, const struct cgroup_name *row, char *buf, size_t size,
                        struct err *err)
{
    return cgroup_get(group, row->v2, buf, size, err) < 0 ? -1 : 0;
}
static int read_same_v1(const struct cgroup *group, const struct cgroup_name *row, char *buf, size_t size,
                        struct err *err)
{
    return cgroup_get(group, row->v1, buf, size, err) < 0 ? -1 : 0;
}
const struct cgroup_conversion convert_same = { write_same_v2, write_same_v1, read_same_v2, read_same_v1 };

/* --- sizes, -1 or "max" for no limit --- */

static int write_bytes_v2(const struct cgroup *group, const struct cgroup_name *row, const char *value,
                          struct assignments *to, struct err *err)
{
    uint64_t bytes;
    if (cgroup_bytes(value, &bytes, err) < 0)
        return -1;
    return bytes >= v1_unlimited() ? assign(to, row->v2, "max") : assign(to, row->v2, "%" PRIu64, bytes);
}
static int write_bytes_v1(const struct cgroup *group, const struct cgroup_name *row, const char *value,
                          struct assignments *to, struct err *err)
{
    uint64_t bytes;
    if (cgroup_bytes(value, &bytes, err) < 0)
        return -1;
    return bytes == UINT64_MAX ? assign(to, row->v1, "-1") : assign(to, row->v1, "%" PRIu64, bytes);
}
static int read_bytes_v2(const struct cgroup *group, const struct cgroup_name *row, char *buf, size_t size,
                         struct err *err)
{
    uint64_t bytes;
    if (cgroup_number(group, row->v2, NULL, &bytes, err) < 0)
        return -1;
    snprintf(buf, size, "%" PRIu64 "\n", bytes == UINT64_MAX ? v1_unlimited() : bytes);
    return 0;
}
static int read_bytes_v1(const struct cgroup *group, const struct cgroup_name *row, char *buf, size_t size,
                         struct err *err)
{
    uint64_t bytes;
    if (cgroup_number(group, row->v1, NULL, &bytes, err) < 0)
        return -1;
    if (bytes >= v1_unlimited())
        snprintf(buf, size, "max\n");
    else
        snprintf(buf, size, "%" PRIu64 "\n", bytes);
    return 0;
}
const struct cgroup_conversion convert_bytes = { write_bytes_v2, write_bytes_v1, read_bytes_v2, read_bytes_v1 };

/* --- v1's soft limit: no preference is unlimited there and 0 in memory.low --- */

static int write_low_v2(const struct cgroup *group, const struct cgroup_name *row, const char *value,
                        struct assignments *to, struct err *err)
{
    uint64_t bytes;
    if (cgroup_bytes(value, &bytes, err) < 0)
        return -1;
    return assign(to, row->v2, "%" PRIu64, bytes >= v1_unlimited() ? 0 : bytes);
}
const struct cgroup_conversion convert_low = { write_low_v2, write_bytes_v1, read_bytes_v2, read_bytes_v1 };

/* --- v1 limits memory with swap, v2 the swap alone --- */

static int write_swap_v2(const struct cgroup *group, const struct cgroup_name *row, const char *value,
                         struct assignments *to, struct err *err)
{
    uint64_t both, memory;
    if (cgroup_bytes(value, &both, err) < 0 || cgroup_number(group, "memory.max", NULL, &memory, err) < 0)
        return -1;
    if (both >= v1_unlimited())
        return assign(to, row->v2, "max");
    if (memory > both)
        return err_say(err, EINVAL,
                       "memory and swap together cannot be limited to less (%" PRIu64 ") than memory alone: lower "
                       "memory.max first",
                       both);
    return assign(to, row->v2, "%" PRIu64, both - memory);
}
static int write_swap_v1(const struct cgroup *group, const struct cgroup_name *row, const char *value,
                         struct assignments *to, struct err *err)
{
    uint64_t swap, memory;
    if (cgroup_bytes(value, &swap, err) < 0 || cgroup_number(group, "memory.limit_in_bytes", NULL, &memory, err) < 0)
        return -1;
    return swap == UINT64_MAX || memory >= v1_unlimited() ? assign(to, row->v1, "-1")
                                                          : assign(to, row->v1, "%" PRIu64, memory + swap);
}
static int read_swap_v2(const struct cgroup *group, const struct cgroup_name *row, char *buf, size_t size,
                        struct err *err)
{
    uint64_t swap, memory;
    if (cgroup_number(group, row->v2, NULL, &swap, err) < 0 ||
        cgroup_number(group, "memory.max", NULL, &memory, err) < 0)
        return -1;
    snprintf(buf, size, "%" PRIu64 "\n", swap == UINT64_MAX || memory == UINT64_MAX ? v1_unlimited() : memory + swap);
    return 0;
}
static int read_swap_v1(const struct cgroup *group, const struct cgroup_name *row, char *buf, size_t size,
                        struct err *err)
{
    uint64_t both, memory;
    if (cgroup_number(group, row->v1, NULL, &both, err) < 0 ||
        cgroup_number(group, "memory.limit_in_bytes", NULL, &memory, err) < 0)
        return -1;
    if (both >= v1_unlimited())
        snprintf(buf, size, "max\n");
    else
        snprintf(buf, size, "%" PRIu64 "\n", both - memory);
    return 0;
}
const struct cgroup_conversion convert_swap = { write_swap_v2, write_swap_v1, read_swap_v2, read_swap_v1 };

static int read_both_v2(const struct cgroup *group, const struct cgroup_name *row, char *buf, size_t size,
                        struct err *err)
{
    uint64_t swap, memory;
    if (cgroup_number(group, row->v2, NULL, &swap, err) < 0 ||
        cgroup_number(group, "memory.current", NULL, &memory, err) < 0)
        return -1;
    snprintf(buf, size, "%" PRIu64 "\n", memory + swap);
    return 0;
}
static int read_part_v1(const struct cgroup *group, const struct cgroup_name *row, char *buf, size_t size,
                        struct err *err)
{
    uint64_t both, memory;
    if (cgroup_number(group, row->v1, NULL, &both, err) < 0 ||
        cgroup_number(group, "memory.usage_in_bytes", NULL, &memory, err) < 0)
        return -1;
    snprintf(buf, size, "%" PRIu64 "\n", both > memory ? both - memory : 0);
    return 0;
}
const struct cgroup_conversion convert_add_memory = { NULL, NULL, read_both_v2, read_part_v1 };

/* --- shares of CPU time --- */

static int write_shares_v2(const struct cgroup *group, const struct cgroup_name *row, const char *value,
                           struct assignments *to, struct err *err)
{
    uint64_t shares;
    if (number(value, &shares, err) < 0)
        return -1;
    return assign(to, row->v2, "%" PRIu64, cgroup_weight_of_shares(shares > 262144 ? 262144 : shares));
}
static int write_shares_v1(const struct cgroup *group, const struct cgroup_name *row, const char *value,
                           struct assignments *to, struct err *err)
{
    uint64_t weight;
    if (number(value, &weight, err) < 0)
        return -1;
    if (weight < 1 || weight > 10000)
        return err_say(err, ERANGE, "cpu.weight is 1 to 10000, not %" PRIu64, weight);
    return assign(to, row->v1, "%" PRIu64, cgroup_shares_of_weight(weight));
}
static int read_shares_v2(const struct cgroup *group, const struct cgroup_name *row, char *buf, size_t size,
                          struct err *err)
{
    uint64_t weight;
    if (cgroup_number(group, row->v2, NULL, &weight, err) < 0)
        return -1;
    snprintf(buf, size, "%" PRIu64 "\n", cgroup_shares_of_weight(weight));
    return 0;
}
static int read_shares_v1(const struct cgroup *group, const struct cgroup_name *row, char *buf, size_t size,
                          struct err *err)
{
    uint64_t shares;
    if (cgroup_number(group, row->v1, NULL, &shares, err) < 0)
        return -1;
    snprintf(buf, size, "%" PRIu64 "\n", cgroup_weight_of_shares(shares));
    return 0;
}
const struct cgroup_conversion convert_shares = { write_shares_v2, write_shares_v1, read_shares_v2, read_shares_v1 };

/* --- the limit of CPU time: two files, or one --- */

/* "5000 100000" or "max 100000" */
static int read_max(const struct cgroup *group, char quota[24], char period[24], struct err *err)
{
    char text[64];
    if (cgroup_get(group, "cpu.max", text, sizeof text, err) < 0)
        return -1;
    return sscanf(text, "%23s %23s", quota, period) == 2 ? 0 : err_set(err, EINVAL, "cpu.max `%s`", text);
}

static int write_quota_v2(const struct cgroup *group, const struct cgroup_name *row, const char *value,
                          struct assignments *to, struct err *err)
{
    char quota[24], period[24];
    if (read_max(group, quota, period, err) < 0)
        return -1;
    return assign(to, row->v2, "%.60s %s", *value == '-' ? "max" : value, period);
}
static int write_period_v2(const struct cgroup *group, const struct cgroup_name *row, const char *value,
                           struct assignments *to, struct err *err)
{
    char quota[24], period[24];
    if (read_max(group, quota, period, err) < 0)
        return -1;
    return assign(to, row->v2, "%s %.60s", quota, value);
}
static int write_max_v1(const struct cgroup *group, const struct cgroup_name *row, const char *value,
                        struct assignments *to, struct err *err)
{
    char quota[24], period[24];
    int words = sscanf(value, "%23s %23s", quota, period);
    if (words < 1)
        return err_set(err, EINVAL, "cpu.max `%s`", value);
    if (words == 2)
        assign(to, "cpu.cfs_period_us", "%s", period);
    return assign(to, "cpu.cfs_quota_us", "%s", strcmp(quota, "max") == 0 ? "-1" : quota);
}
static int read_quota_v2(const struct cgroup *group, const struct cgroup_name *row, char *buf, size_t size,
                         struct err *err)
{
    char quota[24], period[24];
    if (read_max(group, quota, period, err) < 0)
        return -1;
    snprintf(buf, size, "%s\n", strcmp(quota, "max") == 0 ? "-1" : quota);
    return 0;
}
static int read_period_v2(const struct cgroup *group, const struct cgroup_name *row, char *buf, size_t size,
                          struct err *err)
{
    char quota[24], period[24];
    if (read_max(group, quota, period, err) < 0)
        return -1;
    snprintf(buf, size, "%s\n", period);
    return 0;
}
static int read_max_v1(const struct cgroup *group, const struct cgroup_name *row, char *buf, size_t size,
                       struct err *err)
{
    char quota[64];
    uint64_t period;
    if (cgroup_get(group, "cpu.cfs_quota_us", quota, sizeof quota, err) < 0 ||
        cgroup_number(group, "cpu.cfs_period_us", NULL, &period, err) < 0)
        return -1;
    quota[strcspn(quota, "\n")] = '\0';
    snprintf(buf, size, "%s %" PRIu64 "\n", *quota == '-' ? "max" : quota, period);
    return 0;
}
const struct cgroup_conversion convert_quota = { write_quota_v2, write_max_v1, read_quota_v2, read_max_v1 };
const struct cgroup_conversion convert_period = { write_period_v2, NULL, read_period_v2, NULL };

/* --- the freezer --- */

static int write_freeze_v2(const struct cgroup *group, const struct cgroup_name *row, const char *value,
                           struct assignments *to, struct err *err)
{
    bool frozen = strcmp(value, "FROZEN") == 0;
    if (!frozen && strcmp(value, "THAWED") != 0)
        return err_say(err, EINVAL, "freezer.state is FROZEN or THAWED, not `%s`", value);
    return assign(to, row->v2, "%d", frozen);
}
static int write_freeze_v1(const struct cgroup *group, const struct cgroup_name *row, const char *value,
                           struct assignments *to, struct err *err)
{
    if (strcmp(value, "0") != 0 && strcmp(value, "1") != 0)
        return err_say(err, EINVAL, "cgroup.freeze is 1 or 0, not `%s`", value);
    return assign(to, row->v1, "%s", *value == '1' ? "FROZEN" : "THAWED");
}
static int read_freeze_v2(const struct cgroup *group, const struct cgroup_name *row, char *buf, size_t size,
                          struct err *err)
{
    uint64_t wanted;
    int is = cgroup_frozen(group, err);
    if (is < 0 || cgroup_number(group, row->v2, NULL, &wanted, err) < 0)
        return -1;
    snprintf(buf, size, "%s\n", is ? "FROZEN" : wanted ? "FREEZING" : "THAWED");
    return 0;
}
static int read_freeze_v1(const struct cgroup *group, const struct cgroup_name *row, char *buf, size_t size,
                          struct err *err)
{
    char state[32];
    if (cgroup_get(group, row->v1, state, sizeof state, err) < 0)
        return -1;
    snprintf(buf, size, "%d\n", strncmp(state, "FR", 2) == 0);
    return 0;
}
const struct cgroup_conversion convert_freeze = { write_freeze_v2, write_freeze_v1, read_freeze_v2, read_freeze_v1 };

/* --- limits of a device: one file a limit, or one line a device --- */

static const struct {
    const char *key, *file;
} io_keys[] = {
    { "rbps", "blkio.throttle.read_bps_device" },
    { "wbps", "blkio.throttle.write_bps_device" },
    { "riops", "blkio.throttle.read_iops_device" },
    { "wiops", "blkio.throttle.write_iops_device" },
};

static int write_io_v2(const struct cgroup *group, const struct cgroup_name *row, const char *value,
                       struct assignments *to, struct err *err)
{
    char device[24], limit[24];
    if (sscanf(value, "%23s %23s", device, limit) != 2)
        return err_say(err, EINVAL, "%s is a device and a number, such as \"8:0 1048576\", not `%.60s`", row->v1,
                       value);
    uint64_t bytes;
    if (cgroup_bytes(limit, &bytes, err) < 0)
        return -1;
    return bytes == 0 ? assign(to, row->v2, "%s %s=max", device, row->key)
                      : assign(to, row->v2, "%s %s=%" PRIu64, device, row->key, bytes);
}
static int write_io_v1(const struct cgroup *group, const struct cgroup_name *row, const char *value,
                       struct assignments *to, struct err *err)
{
    char text[128];
    snprintf(text, sizeof text, "%s", value);
    char *rest = text, *device = strsep(&rest, " ");
    for (char *pair; (pair = strsep(&rest, " \n"));) {
        char *limit = strchr(pair, '=');
        if (!*pair)
            continue;
        size_t i = 0;
        while (i < 4 && (!limit || strncmp(pair, io_keys[i].key, strlen(io_keys[i].key)) != 0 ||
                         pair + strlen(io_keys[i].key) != limit))
            i++;
        if (i == 4 || to->count == 4)
            return err_say(err, EINVAL, "io.max takes rbps=, wbps=, riops= and wiops=, not `%s`", pair);
        assign(to, io_keys[i].file, "%s %s", device, strcmp(limit + 1, "max") == 0 ? "0" : limit + 1);
    }
    return to->count > 0 ? 0
                         : err_say(err, EINVAL,
                                   "io.max is a device and limits, such as \"8:0 rbps=1048576\", not `%.60s`", value);
}
static int read_io_v2(const struct cgroup *group, const struct cgroup_name *row, char *buf, size_t size,
                      struct err *err)
{
    char text[8192], key[16];
    if (cgroup_get(group, row->v2, text, sizeof text, err) < 0)
        return -1;
    size_t len = 0;
    buf[0] = '\0';
    snprintf(key, sizeof key, " %s=", row->key);
    for (char *rest = text, *line; (line = strsep(&rest, "\n"));) {
        const char *at = strstr(line, key);
        if (!at || strncmp(at + strlen(key), "max", 3) == 0)
            continue;
        at += strlen(key);
        int n =
            snprintf(buf + len, size - len, "%.*s %.*s\n", (int)strcspn(line, " "), line, (int)strcspn(at, " "), at);
        if (n > 0 && len + (size_t)n < size)
            len += (size_t)n;
    }
    return 0;
}
const struct cgroup_conversion convert_io = { write_io_v2, write_io_v1, read_io_v2, NULL };

static int write_io_weight_v2(const struct cgroup *group, const struct cgroup_name *row, const char *value,
                              struct assignments *to, struct err *err)
{
    uint64_t weight;
    if (number(value, &weight, err) < 0)
        return -1;
    if (weight < 10 || weight > 1000)
        return err_say(err, ERANGE, "blkio.weight is 10 to 1000, not %" PRIu64, weight);
    return assign(to, row->v2, "default %" PRIu64, 1 + (weight - 10) * 9999 / 990);
}
const struct cgroup_conversion convert_io_weight = { write_io_weight_v2, NULL, NULL, NULL };

/* --- counters that stand in another file, in another unit --- */

static int read_nanoseconds_v2(const struct cgroup *group, const struct cgroup_name *row, char *buf, size_t size,
                               struct err *err)
{
    uint64_t usec;
    if (cgroup_number(group, row->v2, row->key, &usec, err) < 0)
        return -1;
    snprintf(buf, size, "%" PRIu64 "\n", usec * 1000);
    return 0;
}
const struct cgroup_conversion convert_nanoseconds = { NULL, NULL, read_nanoseconds_v2, NULL };

static int read_ticks_v2(const struct cgroup *group, const struct cgroup_name *row, char *buf, size_t size,
                         struct err *err)
{
    uint64_t user, system, hz = (uint64_t)sysconf(_SC_CLK_TCK);
    if (cgroup_number(group, row->v2, "user_usec", &user, err) < 0 ||
        cgroup_number(group, row->v2, "system_usec", &system, err) < 0)
        return -1;
    snprintf(buf, size, "user %" PRIu64 "\nsystem %" PRIu64 "\n", user * hz / 1000000, system * hz / 1000000);
    return 0;
}
const struct cgroup_conversion convert_cpu_ticks = { NULL, NULL, read_ticks_v2, NULL };

static int read_counter_v2(const struct cgroup *group, const struct cgroup_name *row, char *buf, size_t size,
                           struct err *err)
{
    uint64_t value;
    if (cgroup_number(group, row->v2, row->key, &value, err) < 0)
        return -1;
    bool oom = strcmp(row->v1, "memory.oom_control") == 0;
    snprintf(buf, size, oom ? "oom_kill_disable 0\nunder_oom 0\noom_kill %" PRIu64 "\n" : "%" PRIu64 "\n", value);
    return 0;
}
const struct cgroup_conversion convert_counter = { NULL, NULL, read_counter_v2, NULL };
