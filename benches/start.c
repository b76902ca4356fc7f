/*
 * How long a user waits for the first answer: with a CLI that is started for it, and with a spare that is claimed.
 *     start OPTIONS ROUNDS     in turns, so that a busy machine slows both; medians, in seconds
 */
#include <claude_client.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { LONG_MS = 120000, MOST = 100 };

typedef struct {
    double ready[MOST], answered[MOST];
} times_t;

static claude_error_t *error;
static int parked;

static void need(claude_status_t status)
{
    if (status == CLAUDE_OK)
        return;
    fprintf(stderr, "%s\n", claude_error_message(error));
    exit(1);
}

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void on_parked(claude_status_t status, const char *json, size_t len, void *user_data)
{
    (void)len, (void)user_data;
    if (status != CLAUDE_OK)
        fprintf(stderr, "%s\n", json);
    __atomic_store_n(&parked, status == CLAUDE_OK ? 1 : -1, __ATOMIC_SEQ_CST);
}

/* From what the user did to the end of the answer. */
static void answer(claude_client_t *client, times_t *times, int round, double begin)
{
    times->ready[round] = now() - begin;
    need(claude_client_query(client, "What is the capital of France?", NULL, NULL, &error));
    need(claude_client_receive_response(client, NULL, LONG_MS, &error));
    times->answered[round] = now() - begin;
    claude_client_free(client);
}

static void cold(const char *options, times_t *times, int round)
{
    claude_client_t *client = NULL;
    double begin = now();

    need(claude_client_create(options, &client, &error));
    need(claude_client_connect_wait(client, NULL, LONG_MS, &error));
    answer(client, times, round, begin);
}

static void claimed(const char *options, times_t *times, int round, double *starts)
{
    claude_client_t *client = NULL;
    claude_spare_t *spare = NULL;
    struct timespec moment = {0, 1000000};
    double begin = now();

    parked = 0;
    need(claude_client_create(options, &client, &error));
    need(claude_spare_create(client, on_parked, NULL, &spare, &error));
    while (__atomic_load_n(&parked, __ATOMIC_SEQ_CST) == 0)
        nanosleep(&moment, NULL);
    if (parked < 0)
        exit(1);
    starts[round] = now() - begin;
    begin = now();
    need(claude_spare_claim_wait(spare, NULL, NULL, LONG_MS, &client, &error));
    claude_spare_free(spare);
    answer(client, times, round, begin);
}

static int order(const void *one, const void *other)
{
    double difference = *(const double *)one - *(const double *)other;

    return (difference > 0) - (difference < 0);
}

static double median(double *times, int rounds)
{
    qsort(times, (size_t)rounds, sizeof *times, order);
    return times[rounds / 2];
}

int main(int argc, char **argv)
{
    static times_t cold_times, claimed_times;
    static double starts[MOST];
    int rounds = argc > 2 ? atoi(argv[2]) : 0, round;

    if (rounds < 1 || rounds > MOST) {
        fprintf(stderr, "usage: %s OPTIONS ROUNDS\n", argv[0]);
        return 2;
    }
    for (round = 0; round < rounds; round++) {
        cold(argv[1], &cold_times, round);
        claimed(argv[1], &claimed_times, round, starts);
    }
    printf("median of %d rounds, in seconds\n", rounds);
    printf("%-8s ready %.2f  answered %.2f\n", "cold", median(cold_times.ready, rounds), median(cold_times.answered, rounds));
    printf("%-8s ready %.2f  answered %.2f  (parked after %.2f)\n", "claimed", median(claimed_times.ready, rounds),
           median(claimed_times.answered, rounds), median(starts, rounds));
    return 0;
}
