/*
 * Spares of a host in C: claimed, freed unclaimed, freed on their way, in the hands of another process and after their death.
 * What a destroy-notify is for is counted, and nothing is left at the end. `fork` as the second argument: a copy of the process is
 * made, in which a tool that finds leaks would find everything.
 */
#include "host.h"
#include <sys/wait.h>

enum { SPARES = 4 };
static struct seen seen[SPARES] = {SEEN, SEEN, SEEN, SEEN};
static unsigned parked, failed, claimed;

static void on_parked(claude_status_t status, const char *json, size_t len, void *user_data)
{
    CHECK(strlen(json) == len && user_data == &parked);
    __atomic_add_fetch(status == CLAUDE_OK ? &parked : &failed, 1, __ATOMIC_SEQ_CST);
}

static void on_claimed(claude_status_t status, const char *json, size_t len, void *user_data)
{
    CHECK(status == CLAUDE_OK && strlen(json) == len && user_data == &claimed);
    __atomic_add_fetch(&claimed, 1, __ATOMIC_SEQ_CST);
}

static void wait_for(unsigned *counter, unsigned number)
{
    unsigned tries;

    for (tries = 0; __atomic_load_n(counter, __ATOMIC_SEQ_CST) < number; tries++) {
        CHECK(tries < LONG_MS);
        pause_ms(1);
    }
}

static long count(const char *pointer)
{
    char *json = NULL, *value = NULL;
    long number;

    OK(claude_runtime_stats(&json, &error));
    OK(claude_json_get(json, pointer, &value, &error));
    number = strtol(value, NULL, 10);
    claude_string_free(value);
    claude_string_free(json);
    return number;
}

static claude_spare_t *new_spare(const char *options, int number, claude_client_t **client)
{
    claude_spare_t *spare = NULL;

    *client = new_client(options, &seen[number]);
    OK(claude_spare_create(*client, on_parked, &parked, &spare, &error));
    return spare;
}

/* A copy of the process has neither the spare nor its CLI. */
static void in_a_copy(claude_spare_t *spare)
{
    claude_client_t *client = NULL;
    int status = 0;
    pid_t copy = fork();

    CHECK(copy >= 0);
    if (copy == 0) {
        int forked = claude_spare_claim_wait(spare, NULL, NULL, 1000, &client, NULL) == CLAUDE_ERR_FORKED;

        claude_spare_free(spare);
        _exit(forked && client == NULL ? 0 : 1);
    }
    CHECK(waitpid(copy, &status, 0) == copy && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(int argc, char **argv)
{
    claude_client_t *clients[SPARES], *client = NULL;
    claude_spare_t *spares[SPARES], *other = NULL;
    int number;

    CHECK(argc == 2 || argc == 3);
    for (number = 0; number < SPARES; number++)
        spares[number] = new_spare(argv[1], number, &clients[number]);
    CHECK(count("/spares") == SPARES && count("/clients") == SPARES);
    claude_spare_free(spares[3]); /* on its way */
    CHECK(seen[3].destroyed == 2);
    wait_for(&parked, 3);

    FAILS(CLAUDE_ERR_ALREADY_CONNECTED, claude_spare_create(clients[0], NULL, NULL, &other, &error));
    drop_error();
    FAILS(CLAUDE_ERR_INVALID_HANDLE, claude_spare_claim_wait(spares[3], NULL, NULL, 0, &client, &error));
    drop_error();
    FAILS(CLAUDE_ERR_INVALID_ARGUMENT, claude_spare_claim_wait(spares[0], NULL, NULL, 0, NULL, &error));
    drop_error();
    if (argc == 3)
        in_a_copy(spares[0]);

    /* Claimed, it talks, and outlives its spare. */
    OK(claude_spare_claim_wait(spares[0], "{\"cwd\": \"/\"}", "go", LONG_MS, &client, &error));
    CHECK(client == clients[0]);
    claude_spare_free(spares[0]);
    seen_wait(&seen[0], &seen[0].results, 1);
    claude_client_free(client);
    CHECK(seen[0].destroyed == 2);

    /* Freed before anybody claims it: its client goes with it. */
    claude_spare_free(spares[1]);
    CHECK(seen[1].destroyed == 2 && seen[1].results == 0);
    FAILS(CLAUDE_ERR_INVALID_HANDLE, claude_client_query(clients[1], "go", NULL, NULL, &error));
    drop_error();

    /* A shutdown ends what was claimed, and frees nothing. */
    client = NULL;
    OK(claude_spare_claim(spares[2], NULL, NULL, on_claimed, &claimed, &client, &error));
    wait_for(&claimed, 1);
    CHECK(count("/spares") == 1 && count("/clients") == 1);
    OK(claude_runtime_shutdown(LONG_MS, &error));
    seen_wait(&seen[2], &seen[2].closed, 1);
    claude_spare_free(spares[2]);
    claude_spare_free(spares[2]);
    claude_spare_free(NULL);
    claude_client_free(client);
    CHECK(count("/spares") == 0 && count("/clients") == 0 && count("/errors") == 0 && count("/children") == 0);
    CHECK(__atomic_load_n(&parked, __ATOMIC_SEQ_CST) + __atomic_load_n(&failed, __ATOMIC_SEQ_CST) == SPARES);
    OK(claude_runtime_shutdown(LONG_MS, &error));
    return 0;
}
