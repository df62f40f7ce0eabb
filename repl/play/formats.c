#include "repl/play/formats.h"

const struct run_format *const play_formats[] = { &run_text, &run_tap,   &run_md,    &run_html, &run_cast,
                                                  &run_json, &run_junit, &run_ipynb, NULL };

const struct run_format *const test_formats[] = { &run_proof, &run_tap, &run_json, &run_junit, NULL };
