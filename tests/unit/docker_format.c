/* Templates say what Go's text/template says of the same, and what is wrong in one is said, not passed over. */
#include "engine/docker/format.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char document[] =
    "{\"ID\":\"3f2a9c\",\"Name\":\"/"
    "box\",\"Size\":4096,\"Big\":5000000000,\"Ratio\":2.5,\"On\":true,\"Off\":false,\"Nothing\":null,"
    "\"RepoTags\":[\"one:1\",\"two:2\"],\"None\":[],\"Labels\":{\"b\":\"2\",\"a\":\"1\"},"
    "\"Config\":{\"Cmd\":[\"sh\",\"-c\",\"true\"],\"Env\":[\"A=1\",\"B=2\"],\"Deep\":{\"er\":\"<found>\"}},"
    "\"List\":[{\"N\":1,\"S\":\"x\"},{\"N\":2,\"S\":\"y\"}],\"Quote\":\"a\\\"b\",\"Utf\":\"h\\u00e9llo\"}";

/* What Go 1.22 prints for each; the columns of `text` are what a user types after --format. */
static const struct {
    const char *text, *expected;
} good[] = {
    { "", "" },
    { "plain", "plain" },
    { "{{.ID}}", "3f2a9c" },
    { "{{ .ID }}:{{.Size}}", "3f2a9c:4096" },
    { "{{.Big}} {{.Ratio}} {{.On}}", "5000000000 2.5 true" },
    { "{{.Config.Deep.er}}", "<found>" },
    { "{{.RepoTags}}", "[one:1 two:2]" },
    { "{{.Labels}}", "map[a:1 b:2]" },
    { "{{.Nothing}}", "<no value>" },
    { "{{json .RepoTags}}", "[\"one:1\",\"two:2\"]" },
    { "{{json .Quote}}", "\"a\\\"b\"" },
    { "{{.Config | json}}",
      "{\"Cmd\":[\"sh\",\"-c\",\"true\"],\"Env\":[\"A=1\",\"B=2\"],\"Deep\":{\"er\":\"<found>\"}}" },
    { "{{index .RepoTags 0}}", "one:1" },
    { "{{index .Labels \"b\"}}{{index .Labels \"none\"}}", "2" },
    { "{{(index .List 1).S}}", "y" },
    { "{{index .List 1 \"S\"}}", "y" },
    { "{{len .RepoTags}}{{len .ID}}{{len .Labels}}", "262" },
    { "{{range .RepoTags}}<{{.}}>{{end}}", "<one:1><two:2>" },
    { "{{range .None}}x{{else}}none{{end}}", "none" },
    { "{{range $i, $e := .RepoTags}}{{$i}}={{$e}};{{end}}", "0=one:1;1=two:2;" },
    { "{{range $k, $v := .Labels}}{{$k}}{{$v}} {{end}}", "a1 b2 " },
    { "{{range .List}}{{.N}}{{$.ID}} {{end}}", "13f2a9c 23f2a9c " },
    { "{{range .List}}{{range $.RepoTags}}.{{end}}{{end}}", "...." },
    { "{{if .On}}yes{{else}}no{{end}}{{if .Off}}yes{{else}}no{{end}}{{if .None}}yes{{end}}", "yesno" },
    { "{{if .Off}}a{{else if eq .ID \"3f2a9c\"}}b{{else}}c{{end}}", "b" },
    { "{{with .Config}}{{len .Cmd}}{{end}}{{with .Nothing}}x{{else}}y{{end}}", "3y" },
    { "{{$x := .ID}}{{$x}}{{$x}}", "3f2a9c3f2a9c" },
    { "{{$x := 1}}{{range .RepoTags}}{{$x = 2}}{{end}}{{$x}}", "2" },
    { "{{join .Config.Cmd \" \"}}", "sh -c true" },
    { "{{range split \"a:b:c\" \":\"}}[{{.}}]{{end}}", "[a][b][c]" },
    { "{{upper .ID}}{{.ID | lower}}{{title \"two words\"}}", "3F2A9C3f2a9cTwo Words" },
    { "{{pad .ID 1 2}}|{{pad \"\" 3 3}}|", " 3f2a9c  ||" },
    { "{{truncate .ID 3}}{{truncate .Utf 2}}", "3f2h" },
    { "{{println .ID .Size}}", "3f2a9c 4096\n" },
    { "{{print 1 2 \"x\" \"y\" 3}}", "1 2xy3" },
    { "{{printf \"%s-%d-%5.1f-%q-%-4v|%04d\" .ID .Size .Ratio \"z\" true 7}}", "3f2a9c-4096-  2.5-\"z\"-true|0007" },
    { "{{printf \"%.3s %x %t%%\" .ID 255 .On}}", "3f2 ff true%" },
    { "{{if and .On .ID}}a{{end}}{{if or .Off .Nothing}}b{{end}}{{if not .Off}}c{{end}}", "ac" },
    { "{{and .Off .NoSuchField}}", "false" },
    { "{{if and (gt .Size 4000) (le .Size 4096) (ne .ID \"x\")}}ok{{end}}", "ok" },
    { "{{eq .ID \"x\" \"3f2a9c\"}}", "true" },
    { "a {{- .ID -}} b {{- /* said */ -}} c", "a3f2a9cbc" },
    { "{{/* only said */}}x", "x" },
    { "{{\"{{\"}}.ID{{`}}`}}", "{{.ID}}" },
    { "{{\"a\\tb\\n\"}}", "a\tb\n" },
    { "\\t{{.ID}}", "\\t3f2a9c" },
};

static const struct {
    const char *text, *says;
} bad[] = {
    { "{{.ID", "not ended by }}" },
    { "{{}}", "nothing to show" },
    { "{{.ID .Size}}", "takes no arguments" },
    { "{{nosuch .ID}}", "no function `nosuch`" },
    { "{{.NoSuch}}", "no field .NoSuch here; there are: ID, Name" },
    { "{{.Config.NoSuch}}", "no field .NoSuch here; there are: Cmd, Env, Deep" },
    { "{{.ID.x}}", "no field .x in .ID, which is no object" },
    { "{{.Nothing.x}}", "no field .x in .Nothing, which is null" },
    { "{{range .ID}}{{end}}", "wants a list" },
    { "{{range .RepoTags}}", "not ended by {{end}}" },
    { "{{end}}", "ends nothing" },
    { "{{else}}", "belongs to nothing" },
    { "{{if .On}}a{{else}}b{{else}}c{{end}}", "second {{else}}" },
    { "{{index .RepoTags 2}}", "out of range: there are 2" },
    { "{{index .RepoTags \"a\"}}", "wants a list and a number" },
    { "{{json}}", "wants 1 argument, not 0" },
    { "{{join .RepoTags}}", "wants 2 arguments, not 1" },
    { "{{join .ID \"x\"}}", "wants a list" },
    { "{{$y}}", "no variable $y" },
    { "{{$y = 1}}", "`$y := …` makes it" },
    { "{{eq .ID 1}}", "of the same kind" },
    { "{{\"open}}", "does not end" },
    { "{{.ID | .Size}}", "after | a function" },
    { "{{(.ID}}", "expected )" },
    { "{{.Config.}}", "a name was expected" },
    { "{{printf \"%d\" .ID}}", "do not fit" },
    { "{{printf \"%s\"}}", "do not fit" },
    { "{{printf \"x\" .ID}}", "do not fit" },
    { "{{printf \"%9999s\" .ID}}", "do not fit" },
    { "{{/* never ends}}", "not ended by */" },
    { "{{12x}}", "no number" },
    { "{{.ID%}}", "a blank was expected" },
    { "{{json .ID}", "an action is ended by }}, and this is one alone" },
};

static char *apply(json_t *value, const char *text, struct err *err)
{
    struct format *format = format_parse(text, err);
    char *made = format ? format_apply(format, value, err) : NULL;
    format_free(format);
    return made;
}

static void templates_print_what_go_prints(void **state)
{
    json_t *value = json_loads(document, 0, NULL);
    assert_non_null(value);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct err err = { 0 };
        char *made = apply(value, good[i].text, &err);
        if (!made || strcmp(made, good[i].expected) != 0)
            fail_msg("%s: printed `%s` (%s), not `%s`", good[i].text, made ? made : "nothing", err.message,
                     good[i].expected);
        free(made);
    }
    json_decref(value);
}

static void what_is_wrong_in_a_template_is_said(void **state)
{
    json_t *value = json_loads(document, 0, NULL);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err err = { 0 };
        char *made = apply(value, bad[i].text, &err);
        if (made || !strstr(err.message, bad[i].says))
            fail_msg("%s: printed `%s`, said: %s; not: %s", bad[i].text, made ? made : "nothing", err.message,
                     bad[i].says);
    }
    json_decref(value);
}

/* Every beginning of a template, and every one with a byte changed, either prints or says why not, and takes nothing with it. */
static void no_template_breaks_the_evaluator(void **state)
{
    json_t *value = json_loads(document, 0, NULL);
    uint32_t seed = 12345;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        for (size_t cut = 0; cut <= strlen(good[i].text); cut++) {
            char *text = strndup(good[i].text, cut);
            struct err err = { 0 };
            free(apply(value, text, &err));
            for (size_t change = 0; change < 8 && cut > 0; change++) {
                seed = seed * 1664525 + 1013904223;
                text[(seed >> 8) % cut] = "{}.$|()\"` -%09aendrangeif"[(seed >> 20) % 25];
                free(apply(value, text, &err));
            }
            free(text);
        }
    char deep[4096] = "";
    for (int i = 0; i < 500; i++)
        strcat(deep, "{{(((");
    struct err err = { 0 };
    assert_null(apply(value, deep, &err));
    deep[0] = '\0';
    for (int i = 0; i < 300; i++)
        strcat(deep, "{{if .ID}}");
    assert_null(apply(value, deep, &err));
    assert_non_null(strstr(err.message, "too deep"));
    assert_int_equal(value->refcount, 1);
    json_decref(value);
}

static void a_template_that_grows_for_ever_is_ended(void **state)
{
    static const char *const bombs[][3] = {
        { "{{json .Quote", " | json", "}}" }, /* twice as many backslashes each time */
        { "{{$x := .ID}}", "{{$x = print $x $x}}", "{{$x}}" },
        { "{{$x := printf \"%1000s\" .ID}}{{$x = printf \"%s%s%s%s%s%s%s%s%s\" $x $x $x $x $x $x $x $x $x}}",
          "{{range .Config.Cmd}}{{range $.Config.Cmd}}{{range $.Config.Cmd}}{{$x}}{{$x}}{{$x}}{{end}}{{end}}{{end}}",
          "" },
    };
    json_t *value = json_loads(document, 0, NULL);
    for (size_t i = 0; i < sizeof bombs / sizeof *bombs; i++) {
        char text[16384];
        struct err err = { 0 };
        strcpy(text, bombs[i][0]);
        for (int j = 0; j < 100; j++)
            strcat(text, bombs[i][1]);
        strcat(text, bombs[i][2]);
        assert_null(apply(value, text, &err));
        assert_int_equal(err.code, E2BIG);
        assert_non_null(strstr(err.message, "too long: over"));
    }
    json_decref(value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(templates_print_what_go_prints),
        cmocka_unit_test(what_is_wrong_in_a_template_is_said),
        cmocka_unit_test(no_template_breaks_the_evaluator),
        cmocka_unit_test(a_template_that_grows_for_ever_is_ended),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
