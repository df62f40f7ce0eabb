/* Our Jupyter kernel and ipykernel in one run: from the start to the first answer, and the round trip of a cell that does nothing, from the request to idle. `kernel [ROUNDS]`. */
#include "tests/unit/kernel_client.h"

#define STARTS 5
#define START_RATIO 10.0 /* how many times faster ours is to be */
#define TRIP_RATIO 0.5   /* of ipykernel's */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(double *list, size_t count)
{
    qsort(list, count, sizeof *list, compare);
    return list[count / 2];
}

struct figures {
    double start, trip, least; /* ms */
};

static void give_up(const char *name, const char *what)
{
    fprintf(stderr, "kernel: %s %s\n", name, what);
    exit(3);
}

/* @code does nothing in the kernel's language. */
static void measure(const char *name, const char *const *argv, const char *code, size_t rounds, struct figures *figures)
{
    double starts[STARTS], *trips = calloc(rounds, sizeof *trips);
    struct client client;
    if (!trips)
        give_up(name, "needs memory");
    for (size_t i = 0; i < STARTS; i++) {
        double began = client_now();
        client_start(&client, argv);
        if (!client_ready(&client))
            give_up(name, "has not answered");
        starts[i] = client_now() - began;
        if (i + 1 < STARTS)
            client_end(&client);
    }
    if (!client_subscribed(&client))
        give_up(name, "publishes nothing");
    for (size_t i = 0; i < rounds + 5; i++) { /* the first ones find nothing ready */
        double began = client_now();
        struct wire_message *reply = client_run(&client, code);
        const char *status = reply ? json_string_value(json_object_get(reply->content, "status")) : NULL;
        if (!status || strcmp(status, "ok") != 0)
            give_up(name, "has not executed its cell");
        wire_message_free(reply);
        if (i >= 5)
            trips[i - 5] = client_now() - began;
    }
    client_end(&client);
    *figures = (struct figures){ median(starts, STARTS), median(trips, rounds), trips[0] };
    printf("%-10s start to first answer %8.1f ms (median of %d), round trip of `%s` %6.2f ms (median of %zu, least "
           "%.2f)\n",
           name, figures->start, STARTS, code, figures->trip, rounds, figures->least);
    free(trips);
}

int main(int argc, char **argv)
{
    const char *program = getenv("TEACHROOT");
    size_t rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 300;
    struct figures ours, theirs;
    measure("teachroot",
            (const char *const[]){ program ? program : "build/teachroot", "kernel", "-f", "{connection_file}", NULL },
            "true", rounds ? rounds : 1, &ours);
    /* Without its frozen modules' warning; Debian's Python, which has the package. */
    measure("ipykernel",
            (const char *const[]){ "/usr/bin/python3", "-Xfrozen_modules=off", "-m", "ipykernel_launcher", "-f",
                                   "{connection_file}", NULL },
            "pass", rounds ? rounds : 1, &theirs);
    double start = theirs.start / ours.start, trip = ours.trip / theirs.trip;
    printf("start: %.1f times faster (aim: %.0f); round trip: %.2f of ipykernel's (aim: at most %.1f)\n", start,
           START_RATIO, trip, TRIP_RATIO);
    return start < START_RATIO || trip > TRIP_RATIO;
}
