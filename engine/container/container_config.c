/* What an OCI runtime reads: config.json of a bundle, for a container that is to be as docker's are without options. See the OCI runtime specification, config.md and config-linux.md. */
#include "engine/container/container_internal.h"

#include <errno.h>
#include <string.h>

static const char *const capabilities[] = {
    "CAP_AUDIT_WRITE", "CAP_CHOWN",   "CAP_DAC_OVERRIDE",     "CAP_FOWNER",     "CAP_FSETID",
    "CAP_KILL",        "CAP_MKNOD",   "CAP_NET_BIND_SERVICE", "CAP_NET_RAW",    "CAP_SETFCAP",
    "CAP_SETGID",      "CAP_SETPCAP", "CAP_SETUID",           "CAP_SYS_CHROOT",
};
static const char *const masked[] = {
    "/proc/asound",     "/proc/acpi",        "/proc/kcore",       "/proc/keys", "/proc/latency_stats",
    "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware",
};
static const char *const read_only_paths[] = { "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                                               "/proc/sysrq-trigger" };
static const char *const namespaces[] = { "mount", "network", "uts", "pid", "ipc", "cgroup" };
static const struct {
    const char *place, *type, *source, *options;
} mounts[] = {
    { "/proc", "proc", "proc", "nosuid,noexec,nodev" },
    { "/dev", "tmpfs", "tmpfs", "nosuid,strictatime,mode=755,size=65536k" },
    { "/dev/pts", "devpts", "devpts", "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5" },
    { "/sys", "sysfs", "sysfs", "nosuid,noexec,nodev,ro" },
    { "/sys/fs/cgroup", "cgroup", "cgroup", "nosuid,noexec,nodev,relatime,ro" },
    { "/dev/mqueue", "mqueue", "mqueue", "nosuid,noexec,nodev" },
    { "/dev/shm", "tmpfs", "shm", "nosuid,noexec,nodev,mode=1777,size=65536k" },
};

static json_t *strings(const char *const *texts, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_string(texts[i]));
    return list;
}
#define STRINGS(texts) strings((texts), sizeof(texts) / sizeof *(texts))

static json_t *mount_list(void)
{
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof mounts / sizeof *mounts; i++) {
        json_t *options = json_array();
        for (const char *at = mounts[i].options; *at; at += strcspn(at, ","), at += *at == ',')
            json_array_append_new(options, json_stringn(at, strcspn(at, ",")));
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:o}", "destination", mounts[i].place, "type",
                                              mounts[i].type, "source", mounts[i].source, "options", options));
    }
    return list;
}

static json_t *namespace_list(void)
{
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof namespaces / sizeof *namespaces; i++)
        json_array_append_new(list, json_pack("{s:s}", "type", namespaces[i]));
    return list;
}

/* Entrypoint and command, one after the other. */
static json_t *arguments(const json_t *config)
{
    json_t *list = json_array();
    const json_t *const parts[] = { json_object_get(config, "Entrypoint"), json_object_get(config, "Cmd") };
    for (size_t i = 0; i < 2; i++)
        for (size_t word = 0; word < json_array_size(parts[i]); word++)
            json_array_append(list, json_array_get(parts[i], word));
    return list;
}

static json_t *process_user(const struct container_user *user)
{
    json_t *groups = json_array();
    for (size_t i = 0; i < user->group_count; i++)
        json_array_append_new(groups, json_integer(user->groups[i]));
    return json_pack("{s:I, s:I, s:o}", "uid", (json_int_t)user->uid, "gid", (json_int_t)user->gid, "additionalGids",
                     groups);
}

json_t *container_bundle_config(const json_t *config, const char *id, const struct container_user *user, bool read_only,
                                struct err *err)
{
    bool root = user->uid == 0;
    const char *workdir = json_string_value(json_object_get(config, "WorkingDir"));
    json_t *process = json_pack(
        "{s:b, s:o, s:o, s:O, s:s, s:{s:o, s:o, s:o}, s:b}", "terminal", json_is_true(json_object_get(config, "Tty")),
        "user", process_user(user), "args", arguments(config), "env", json_object_get(config, "Env"), "cwd",
        workdir && *workdir ? workdir : "/", "capabilities", "bounding", STRINGS(capabilities), "effective",
        strings(capabilities, root ? sizeof capabilities / sizeof *capabilities : 0), "permitted",
        strings(capabilities, root ? sizeof capabilities / sizeof *capabilities : 0), "noNewPrivileges", false);
    json_t *labels = json_object_get(config, "Labels");
    json_t *json = json_pack("{s:s, s:o, s:{s:s, s:b}, s:O, s:o, s:O*, s:{s:o, s:o, s:o, s:s, s:{s:[{s:b, s:s}]}}}",
                             "ociVersion", "1.0.2", "process", process, "root", "path", "rootfs", "readonly", read_only,
                             "hostname", json_object_get(config, "Hostname"), "mounts", mount_list(), "annotations",
                             json_object_size(labels) > 0 ? labels : NULL, "linux", "namespaces", namespace_list(),
                             "maskedPaths", STRINGS(masked), "readonlyPaths", STRINGS(read_only_paths), "cgroupsPath",
                             id, "resources", "devices", "allow", false, "access", "rwm");
    if (!json)
        err_say(err, EINVAL, "the container's settings do not make a config.json");
    return json;
}
