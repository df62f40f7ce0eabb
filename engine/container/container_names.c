/* Names for containers that nobody named: a quality and an animal of the water. */
#include "engine/container/container_internal.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

static const char *const qualities[] = {
    "amber",  "ample", "basic",   "bold",   "brave",   "brisk",  "busy",   "calm",    "candid", "cheery", "clever",
    "cosy",   "crisp", "curious", "daring", "deft",    "eager",  "early",  "easy",    "fair",   "fancy",  "fleet",
    "fond",   "frank", "fresh",   "gentle", "glad",    "golden", "grand",  "handy",   "happy",  "hardy",  "honest",
    "humble", "jolly", "keen",    "kind",   "lively",  "loyal",  "lucid",  "lucky",   "mellow", "merry",  "mild",
    "modest", "neat",  "nimble",  "noble",  "patient", "plain",  "polite", "proud",   "quick",  "quiet",  "ready",
    "rosy",   "royal", "rustic",  "serene", "sharp",   "silent", "silver", "simple",  "sleepy", "smart",  "snug",
    "sober",  "solid", "sturdy",  "sunny",  "swift",   "tall",   "tender", "thrifty", "tidy",   "trusty", "upbeat",
    "useful", "vivid", "warm",    "wise",   "witty",   "young",  "zesty",
};
static const char *const animals[] = {
    "anchovy",   "auk",     "barnacle", "beaver",   "bittern", "bream",    "carp",     "clam",    "cockle", "cod",
    "coot",      "coral",   "crab",     "crane",    "curlew",  "dolphin",  "duck",     "dugong",  "eel",    "egret",
    "flounder",  "frog",    "gannet",   "goby",     "grebe",   "gull",     "haddock",  "halibut", "heron",  "herring",
    "ibis",      "krill",   "lamprey",  "limpet",   "lobster", "loon",     "mackerel", "manatee", "marlin", "minnow",
    "mussel",    "narwhal", "newt",     "nautilus", "octopus", "orca",     "osprey",   "otter",   "oyster", "pelican",
    "penguin",   "perch",   "pike",     "plaice",   "plover",  "porpoise", "prawn",    "puffin",  "ray",    "salmon",
    "sandpiper", "sardine", "scallop",  "seal",     "shrimp",  "skua",     "snipe",    "sole",    "squid",  "stork",
    "sturgeon",  "swan",    "teal",     "tench",    "tern",    "toad",     "trout",    "tuna",    "turbot", "turtle",
    "urchin",    "walrus",  "whale",    "whelk",
};

int container_make_name(int containers, char name[CONTAINER_NAME], struct err *err)
{
    for (unsigned tries = 0; tries < 1000; tries++) {
        unsigned short random[3];
        char id[CONTAINER_ID];
        if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
            return err_set(err, errno, "getrandom");
        int length =
            snprintf(name, CONTAINER_NAME, "%s_%s", qualities[random[0] % (sizeof qualities / sizeof *qualities)],
                     animals[random[1] % (sizeof animals / sizeof *animals)]);
        if (tries >= 8) /* it is getting crowded */
            snprintf(name + length, CONTAINER_NAME - (size_t)length, "%u", random[2]);
        int found = container_find_name(containers, name, id, err);
        if (found <= 0)
            return found;
    }
    return err_say(err, EEXIST, "no name could be made up that is free: give one");
}
