/*
 * Creates, connects, asks, receives, disconnects and frees, over and over: the process must not grow. Says what it
 * measured. The second argument is the number of rounds, the third says who ends a session: `host` or `cli`.
 */
#include "host.h"
#include <dirent.h>

struct size {
    int threads, descriptors, children;
    long kilobytes;
};

static int entries(const char *path)
{
    int count = 0;
    struct dirent *entry;
    DIR *directory = opendir(path);

    CHECK(directory != NULL);
    while ((entry = readdir(directory)) != NULL)
        count += entry->d_name[0] != '.';
    closedir(directory);
    return count;
}

/* Zombies as well. */
static int children(void)
{
    char path[64], line[4096];
    int count = 0, parent;
    struct dirent *entry;
    const char *rest;
    FILE *file;
    DIR *directory = opendir("/proc");

    CHECK(directory != NULL);
    while ((entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] < '0' || entry->d_name[0] > '9')
            continue;
        snprintf(path, sizeof path, "/proc/%.20s/stat", entry->d_name);
        file = fopen(path, "r");
        if (file == NULL)
            continue;
        if (fgets(line, sizeof line, file) != NULL && (rest = strrchr(line, ')')) != NULL)
            count += sscanf(rest, ") %*c %d", &parent) == 1 && parent == getpid();
        fclose(file);
    }
    closedir(directory);
    return count;
}

static struct size measure(void)
{
    struct size size;
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    CHECK(file != NULL && fscanf(file, "%*d %ld", &pages) == 1);
    fclose(file);
    size.threads = entries("/proc/self/task");
    size.descriptors = entries("/proc/self/fd");
    size.children = children();
    size.kilobytes = pages * (sysconf(_SC_PAGESIZE) / 1024);
    return size;
}

/* Threads that have nothing to do end after a while. */
static struct size settled(void)
{
    struct size size = measure(), before;
    int quiet = 0;

    while (quiet < 5) {
        before = size;
        pause_ms(600);
        size = measure();
        quiet = size.threads == before.threads && size.descriptors == before.descriptors ? quiet + 1 : 0;
    }
    return size;
}

/* A joined thread leaves /proc a moment after the join has returned. */
static struct size shut_down(int threads)
{
    struct size size;
    unsigned wait;

    OK(claude_runtime_shutdown(LONG_MS, &error));
    size = measure();
    for (wait = 0; wait < LONG_MS && size.threads > threads; wait += 10) {
        pause_ms(10);
        size = measure();
    }
    return size;
}

static void say(const char *name, struct size size, const char *end)
{
    printf("\"%s\": {\"threads\": %d, \"descriptors\": %d, \"children\": %d, \"kb\": %ld}%s", name, size.threads,
           size.descriptors, size.children, size.kilobytes, end);
}

static void rounds(const char *options, int count, int by_host)
{
    int round;

    for (round = 0; round < count; round++) {
        struct seen seen = SEEN;
        claude_client_t *client = new_client(options, &seen);

        OK(claude_client_connect_wait(client, NULL, LONG_MS, &error));
        OK(claude_client_query(client, "hello", NULL, NULL, &error));
        OK(claude_client_receive_response(client, NULL, LONG_MS, &error));
        if (by_host)
            OK(claude_client_disconnect_wait(client, LONG_MS, &error));
        seen_wait(&seen, &seen.closed, 1);
        claude_client_free(client);
        CHECK(seen.results == 1 && seen.destroyed == 2);
    }
}

int main(int argc, char **argv)
{
    struct size fresh = measure();
    int by_host, count;

    CHECK(argc == 4);
    count = atoi(argv[2]);
    by_host = strcmp(argv[3], "host") == 0;
    rounds(argv[1], count < 100 ? count : 100, by_host);
    putchar('{');
    say("fresh", fresh, ", ");
    say("warm", settled(), ", ");
    rounds(argv[1], count, by_host);
    say("after", settled(), ", ");
    say("down", shut_down(fresh.threads), ", ");
    rounds(argv[1], 2, by_host);
    say("again", shut_down(fresh.threads), "}\n");
    return 0;
}
