/* How long a program waits for what must come, in milliseconds: a minute on an idle machine, longer by its load. The test that
 * starts the program says so in PATIENCE_MS. */
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

#endif
