/** `--format`: templates in the language of Go's text/template, as far as users of docker write them, evaluated over JSON.
 *
 *     {{.ID}} {{.Config.Env}} {{json .}} {{index .RepoTags 0}} {{len .Layers}} {{.Names | upper}} {{"{{"}}
 *     {{range .Mounts}}…{{else}}…{{end}}   {{range $i, $e := .List}}…{{end}}   {{if eq .State "x"}}…{{else if …}}…{{end}}   {{with .X}}…{{end}}
 *     {{$name := .X}} {{- trimmed -}} {{/\* a comment *\/}}
 *
 * Functions: json join split lower upper title pad truncate println print printf index len eq ne lt le gt ge and or not. What is not in this list, and a field that is not there, is an error that
 * says so: nothing is silently empty. Objects print as Go prints maps, arrays as slices, null as `<no value>`.
 */
#ifndef ENGINE_DOCKER_FORMAT_H
#define ENGINE_DOCKER_FORMAT_H

#include "engine/base/err.h"

#include <jansson.h>

struct format;

/** Returns NULL with EINVAL and what is wrong where, in one line. */
struct format *format_parse(const char *text, struct err *err);
void format_free(struct format *format);

/** Evaluate over @value. Returns the text, malloc'ed, or NULL: EINVAL (a field that is not there, a function asked wrongly), ENOMEM. */
char *format_apply(const struct format *format, json_t *value, struct err *err);

#endif
