/* The verbs of docker. One table; `docker image ls` and its like are other words for the same verbs. Data alone: whoever completes or explains a line reads it too. */
#include "engine/docker/docker.h"

#include <string.h>

const struct docker_verb docker_verbs[] = {
    { "container prune", "remove all containers that do not run", &docker_container_prune_options, DOCKER_NOTHING },
    { "create", "make a container of an image; it is not started", &docker_create_options, DOCKER_IMAGE_FIRST },
    { "export", "write a container's root filesystem as a tar archive", &docker_export_options, DOCKER_CONTAINER },
    { "history", "show how an image was made, the newest step first", &docker_history_options, DOCKER_IMAGE },
    { "image prune", "remove images without a name, and what no image needs", &docker_image_prune_options,
      DOCKER_NOTHING },
    { "images", "list images", &docker_images_options, DOCKER_IMAGE },
    { "import", "make an image of a root filesystem's tar archive", &docker_import_options, DOCKER_FILE },
    { "inspect", "tell all that is known of containers and images, as JSON", &docker_inspect_options, DOCKER_EITHER },
    { "load", "bring in the images of an archive", &docker_load_options, DOCKER_NOTHING },
    { "ps", "list containers: those that run, or with --all all of them", &docker_ps_options, DOCKER_NOTHING },
    { "pull", "bring an image from a registry", &docker_pull_options, DOCKER_IMAGE },
    { "push", "bring an image to a registry", &docker_push_options, DOCKER_IMAGE },
    { "rm", "remove containers, with all they have written", &docker_rm_options, DOCKER_CONTAINER },
    { "rmi", "take names of images away; with its last name an image goes", &docker_rmi_options, DOCKER_IMAGE },
    { "save", "write images to an archive, for docker load and others", &docker_save_options, DOCKER_IMAGE },
    { "tag", "give an image one more name", &docker_tag_options, DOCKER_IMAGE },
};
const size_t docker_verb_count = sizeof docker_verbs / sizeof *docker_verbs;

const struct docker_word docker_words[] = {
    { "image", "history", "history", NULL },
    { "image", "import", "import", NULL },
    { "image", "inspect", "inspect", "--type=image" },
    { "image", "list", "images", NULL },
    { "image", "load", "load", NULL },
    { "image", "ls", "images", NULL },
    { "image", "prune", "image prune", NULL },
    { "image", "pull", "pull", NULL },
    { "image", "push", "push", NULL },
    { "image", "remove", "rmi", NULL },
    { "image", "rm", "rmi", NULL },
    { "image", "save", "save", NULL },
    { "image", "tag", "tag", NULL },
    { "container", "create", "create", NULL },
    { "container", "export", "export", NULL },
    { "container", "inspect", "inspect", "--type=container" },
    { "container", "list", "ps", NULL },
    { "container", "ls", "ps", NULL },
    { "container", "prune", "container prune", NULL },
    { "container", "ps", "ps", NULL },
    { "container", "remove", "rm", NULL },
    { "container", "rm", "rm", NULL },
};
const size_t docker_word_count = sizeof docker_words / sizeof *docker_words;

const struct docker_verb *docker_verb_named(const char *name)
{
    for (size_t i = 0; i < docker_verb_count; i++)
        if (strcmp(docker_verbs[i].name, name) == 0)
            return &docker_verbs[i];
    return NULL;
}

const struct docker_word *docker_word_find(const char *group, const char *word)
{
    for (size_t i = 0; i < docker_word_count; i++)
        if (strcmp(docker_words[i].group, group) == 0 && (!word || strcmp(docker_words[i].word, word) == 0))
            return &docker_words[i];
    return NULL;
}

const struct docker_verb *docker_verb_of(const char *const *words, size_t count, size_t *used)
{
    *used = 1;
    const struct docker_verb *verb = count > 0 && !strchr(words[0], ' ') ? docker_verb_named(words[0]) : NULL;
    if (verb || count < 2)
        return verb;
    const struct docker_word *word = docker_word_find(words[0], words[1]);
    *used = 2;
    return word ? docker_verb_named(word->verb) : NULL;
}
