/*
 * A store of the examples behind one that does things wrong: slow, failing, answering twice, late after it was closed. Compiled
 * with -DSTORE="...", the source of the store; run with its place and the fault.
 */
#define STORE_WITHOUT_MAIN
#include STORE
#include <time.h>
#include <unistd.h>

enum fault { NONE, SLOW, FAILING, TWICE, LATE };

static enum fault fault;
static claude_session_store_vtable_t inner;
static void *inner_data;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int calls, running, destroyed, taken_twice;

static void die(const char *what, const char *more)
{
    fprintf(stderr, "%s: %s\n", what, more == NULL ? "" : more);
    _exit(1);
}

static void pause_ms(long ms)
{
    struct timespec time;

    time.tv_sec = ms / 1000;
    time.tv_nsec = ms % 1000 * 1000000;
    nanosleep(&time, NULL);
}

static int next_call(void)
{
    int number;

    pthread_mutex_lock(&lock);
    number = calls++;
    running++;
    pthread_mutex_unlock(&lock);
    return number;
}

static void call_ended(void)
{
    pthread_mutex_lock(&lock);
    running--;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

/* One call on its way to the store, with copies of its texts: those of the library live until the function returns. */
struct call {
    claude_store_call_t *call;
    char *key, *entries;
    claude_store_fn function;
};

static char *copy(const char *text)
{
    char *made = text == NULL ? NULL : malloc(strlen(text) + 1);

    return made == NULL ? NULL : strcpy(made, text);
}

static void pass_on(const struct call *call)
{
    claude_error_t *error = NULL;
    claude_status_t status;

    if (call->entries != NULL)
        inner.append(call->call, call->key, call->entries, inner_data);
    else
        call->function(call->call, call->key, inner_data);
    /* The store has answered by now. */
    status = claude_store_call_respond(call->call, NULL, &error);
    if (status != CLAUDE_ERR_INVALID_HANDLE)
        die("a second answer", claude_status_name(status));
    claude_error_free(error);
    pthread_mutex_lock(&lock);
    taken_twice++;
    pthread_mutex_unlock(&lock);
}

static void *pass_on_later(void *data)
{
    struct call *call = data;

    pause_ms(fault == LATE ? 300 : 2);
    pass_on(call);
    free(call->key);
    free(call->entries);
    free(call);
    call_ended();
    return NULL;
}

static void begin(claude_store_call_t *handle, const char *key, const char *entries, claude_store_fn function)
{
    struct call call, *later;
    pthread_t thread;
    int number = next_call();

    call.call = handle;
    call.key = (char *)(size_t)key;
    call.entries = (char *)(size_t)entries;
    call.function = function;
    if (fault == FAILING && number % 3 == 1) {
        claude_store_call_fail(handle, CLAUDE_ERR_FILE, "planned", NULL);
    } else if (fault == SLOW || fault == LATE) {
        later = malloc(sizeof *later);
        if (later == NULL)
            die("no memory", NULL);
        *later = call;
        later->key = copy(key);
        later->entries = copy(entries);
        if (pthread_create(&thread, NULL, pass_on_later, later) != 0)
            die("no thread", NULL);
        pthread_detach(thread);
        return;
    } else {
        pass_on(&call);
    }
    call_ended();
}

static void on_append(claude_store_call_t *call, const char *key, const char *entries, void *user_data)
{
    (void)user_data;
    begin(call, key, entries, NULL);
}

#define PASS(name) \
    static void on_##name(claude_store_call_t *call, const char *key, void *user_data) \
    { \
        (void)user_data; \
        begin(call, key, NULL, inner.name); \
    }
PASS(load)
PASS(list)
PASS(summaries)
PASS(remove)
PASS(list_subkeys)

/* The store is closed when the calls that still run have ended: it is theirs as well. */
static void on_destroy(void *user_data)
{
    (void)user_data;
    pthread_mutex_lock(&lock);
    destroyed++;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void await_end(void)
{
    pthread_mutex_lock(&lock);
    while (running > 0 || destroyed == 0)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    if (destroyed != 1)
        die("destroyed", "more than once");
    if (inner.destroy != NULL)
        inner.destroy(inner_data);
}

/* Checks the store within this time; whether it keeps the contract. */
static int check(claude_session_store_t *store, unsigned timeout_ms, int print)
{
    claude_error_t *error = NULL;
    char *report = NULL;
    int ok;

    if (claude_session_store_check(store, timeout_ms, &report, &error) != CLAUDE_OK)
        die("check", claude_error_json(error));
    ok = example_has(report, "/ok");
    if (print)
        printf("%s\n", report);
    claude_string_free(report);
    return ok;
}

int main(int argc, char **argv)
{
    static const char *const names[] = {"none", "slow", "failing", "twice", "late"};
    claude_session_store_vtable_t vtable;
    claude_session_store_t *store = NULL;
    claude_error_t *error = NULL;
    int i, ok;

    for (i = 0; i < 5; i++)
        if (argc > 2 && strcmp(argv[2], names[i]) == 0)
            fault = (enum fault)i;
    if (argc < 3 || open_store(argv[1], &inner, &inner_data) != 0)
        die("usage", "PLACE FAULT");
    vtable = inner;
    vtable.append = on_append;
    vtable.load = on_load;
    vtable.list = on_list;
    vtable.summaries = on_summaries;
    vtable.remove = on_remove;
    vtable.list_subkeys = on_list_subkeys;
    vtable.destroy = on_destroy;
    if (claude_session_store_create(&vtable, NULL, &store, &error) != CLAUDE_OK)
        die("create", claude_error_json(error));
    ok = check(store, fault == LATE ? 100 : 300000, fault != LATE && fault != FAILING);
    if (fault == FAILING || fault == LATE) {
        if (ok)
            die("the check", "has not seen the fault");
        if (fault == FAILING) {
            /* The faults have left nothing behind. */
            fault = NONE;
            ok = check(store, 300000, 1);
        } else {
            ok = 1;
        }
    }
    claude_session_store_free(store);
    await_end();
    if (!ok || taken_twice == 0)
        die("the store", "does not keep the contract");
    return 0;
}
