/* What the C programs here share: clocks, memory, and one line of JSON as the result. */
#ifndef BENCH_COMMON_H
#define BENCH_COMMON_H
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Of this process, without its children. */
static double cpu(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* A number of /proc/self/status, such as "VmRSS:" in KiB. */
static long status_of(const char *name) {
    char line[256];
    long value = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (!strncmp(line, name, strlen(name))) value = atol(line + strlen(name));
    if (file) fclose(file);
    return value;
}

/* From here on VmHWM: is the peak since now. */
static void reset_peak(void) {
    int fd = open("/proc/self/clear_refs", O_WRONLY);
    if (fd >= 0 && write(fd, "5", 1) != 1) perror("clear_refs");
    if (fd >= 0) close(fd);
}

static int compare_times(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(double *times, long count) {
    if (count <= 0) return 0;
    qsort(times, (size_t)count, sizeof *times, compare_times);
    return times[count / 2];
}

/* What was measured. Times in seconds, memory in KiB. */
struct result {
    double wall, cpu, median;
    long messages, rss_before, rss_after;
};

static void print_result(const struct result *r) {
    printf("{\"wall\": %.6f, \"cpu\": %.6f, \"median\": %.9f, \"messages\": %ld, \"rss_before\": %ld, \"rss_after\": %ld, "
           "\"peak\": %ld, \"threads\": %ld, \"total_cpu\": %.6f}\n",
           r->wall, r->cpu, r->median, r->messages, r->rss_before, r->rss_after, status_of("VmHWM:"), status_of("Threads:"),
           cpu());
}

#endif
