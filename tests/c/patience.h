/* How long a program waits for what must come, in milliseconds: a minute on an idle machine, longer by its load and under an
 * emulator. The test that starts the program says so in PATIENCE_MS. */
#ifndef PATIENCE_H
#define PATIENCE_H

#include <stdint.h>
#include <stdlib.h>

static inline uint32_t patience_ms(void)
{
    const char *said = getenv("PATIENCE_MS");
    return said != NULL ? (uint32_t)strtoul(said, NULL, 10) : 60000u;
}

/* A bound for what takes so long on an idle machine, in microseconds; for one that is no promise. */
static inline int64_t grown_us(int64_t idle_us)
{
    return idle_us * patience_ms() / 60000;
}

/* A time of this machine's processor, as long as it is for a program that an emulator of another one runs: it says how many times
 * slower it is in CLAUDE_TESTS_SLOWNESS. */
static inline int64_t slowed(int64_t time)
{
    const char *said = getenv("CLAUDE_TESTS_SLOWNESS");
    double slowness = said != NULL ? strtod(said, NULL) : 1;
    return slowness > 1 ? (int64_t)((double)time * slowness) : time;
}

#endif
