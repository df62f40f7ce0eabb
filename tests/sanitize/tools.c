/* The tools of a lab run under strace, where leaks cannot be looked for: the leak detector is a tracer itself and would fail the program. And
 * ldd is tested with LD_PRELOAD set, which the sanitizer would take for a mistake of ours. */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
    return "detect_leaks=0:verify_asan_link_order=0";
}
