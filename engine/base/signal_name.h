/** What a signal is called, real-time ones too, which sigabbrev_np(3) does not know. */
#ifndef ENGINE_BASE_SIGNAL_NAME_H
#define ENGINE_BASE_SIGNAL_NAME_H

#define SIGNAL_NAME 16

/** Without its SIG: "KILL", "RTMIN+3", as kill(1) takes it; of what is none, its number. Returns @buf, or a string for good. */
const char *signal_name(int signal, char buf[SIGNAL_NAME]);

#endif
