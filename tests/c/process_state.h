/*
 * What a library may not change of its host: signal dispositions and mask, environment, working directory, umask and,
 * once it has gone, the descriptors.
 */
#ifndef PROCESS_STATE_H
#define PROCESS_STATE_H

#include "host.h"
#include <dirent.h>
#include <fcntl.h>

extern char **environ;

struct state {
    struct sigaction actions[65];
    sigset_t mask;
    char directory[4096];
    char umask[64];
    char *environment;
    /* Descriptor and what it leads to, one a line. */
    char descriptors[8192];
};

static inline char *environment(void)
{
    size_t size = 1;
    char **entry, *copy;

    for (entry = environ; *entry != NULL; entry++)
        size += strlen(*entry) + 1;
    copy = calloc(1, size);
    CHECK(copy != NULL);
    for (entry = environ; *entry != NULL; entry++)
        strcat(strcat(copy, *entry), "\n");
    return copy;
}

/* Asking the system for it by umask() would change it for the other threads meanwhile. */
static inline void take_umask(struct state *state)
{
    char line[256];
    FILE *status = fopen("/proc/self/status", "r");

    CHECK(status != NULL);
    while (fgets(line, sizeof line, status) != NULL)
        if (strncmp(line, "Umask:", 6) == 0)
            snprintf(state->umask, sizeof state->umask, "%.60s", line);
    fclose(status);
}

static inline void take(struct state *state)
{
    char path[512], target[1024];
    struct dirent *entry;
    ssize_t length;
    int number;
    DIR *directory;

    memset(state, 0, sizeof *state);
    for (number = 1; number <= 64; number++)
        sigaction(number, NULL, &state->actions[number]);
    CHECK(pthread_sigmask(SIG_BLOCK, NULL, &state->mask) == 0);
    CHECK(getcwd(state->directory, sizeof state->directory) != NULL);
    take_umask(state);
    state->environment = environment();
    directory = opendir("/proc/self/fd");
    CHECK(directory != NULL);
    while ((entry = readdir(directory)) != NULL) {
        number = atoi(entry->d_name);
        if (entry->d_name[0] == '.' || number == dirfd(directory))
            continue;
        snprintf(path, sizeof path, "/proc/self/fd/%d", number);
        length = readlink(path, target, sizeof target - 1);
        /* Another thread has closed it since the directory was read. */
        if (length < 0 && errno == ENOENT)
            continue;
        CHECK(length > 0);
        target[length] = '\0';
        length = (ssize_t)strlen(state->descriptors);
        snprintf(state->descriptors + length, sizeof state->descriptors - (size_t)length, "%d %.900s\n", number, target);
    }
    closedir(directory);
}

/* The C library leaves the upper part of a set as it finds it. */
static inline int same_set(const sigset_t *one, const sigset_t *two)
{
    int number;

    for (number = 1; number <= 64; number++)
        if (sigismember(one, number) != sigismember(two, number))
            return 0;
    return 1;
}

static inline void compare(const struct state *before, const struct state *after)
{
    int number;

    for (number = 1; number <= 64; number++) {
        const struct sigaction *one = &before->actions[number], *two = &after->actions[number];
        CHECK(one->sa_handler == two->sa_handler);
        CHECK(one->sa_flags == two->sa_flags);
        CHECK(same_set(&one->sa_mask, &two->sa_mask));
    }
    CHECK(same_set(&before->mask, &after->mask));
    CHECK(strcmp(before->directory, after->directory) == 0);
    CHECK(strcmp(before->umask, after->umask) == 0);
    CHECK(strcmp(before->environment, after->environment) == 0);
}

#endif
