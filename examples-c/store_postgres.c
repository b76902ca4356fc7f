/*
 * A session store in PostgreSQL, for a pool of machines: a session that began on one goes on with on another. `store.h` says how
 * to run it; PLACE is a connection string, such as `host=db dbname=claude`.
 *
 * The connection is the lease. The first load or append of a session takes an advisory lock on it, which the server gives back
 * when the connection ends, however the machine went. What wants the same session meanwhile is told CLAUDE_ERR_SESSION_IN_USE. A
 * connection that is lost is not made anew: another machine may have the session by then. So a server makes a store for each
 * session that it serves, and frees it behind the client.
 */
#include "store.h"
#include <libpq-fe.h>

/* A session that this store has the lock of. */
struct lease {
    struct key key;
    struct lease *next;
};

/* The user data. The library calls from several threads at once; one connection serves them in turn. */
struct database {
    PGconn *connection;
    struct lease *leases;
    pthread_mutex_t lock;
};

/* The lock keeps two machines that begin at once from making the tables twice, which is an error. */
static const char *const schema =
    "BEGIN;"
    "SELECT pg_advisory_xact_lock(7221842);"
    "CREATE TABLE IF NOT EXISTS claude_appended (id BIGSERIAL PRIMARY KEY, project TEXT NOT NULL, session TEXT NOT NULL,"
    " subpath TEXT NOT NULL, entries TEXT NOT NULL);"
    "CREATE INDEX IF NOT EXISTS claude_appended_to ON claude_appended (project, session, subpath, id);"
    "CREATE TABLE IF NOT EXISTS claude_sessions (project TEXT NOT NULL, session TEXT NOT NULL, mtime BIGINT NOT NULL,"
    " summary TEXT NOT NULL, PRIMARY KEY (project, session));"
    "COMMIT";

/* Runs a statement with the parts of the key as its first parameters, and `more` behind them if it is not NULL. */
static PGresult *run(struct database *database, const char *sql, int parts, const struct key *key, const char *more)
{
    const char *values[4];

    values[0] = key->project;
    values[1] = key->session;
    values[2] = key->subpath;
    values[parts] = more;
    return PQexecParams(database->connection, sql, parts + (more != NULL), NULL, values, NULL, NULL, 0);
}

/* Whether a statement went well that gives no rows. */
static int done(PGresult *result)
{
    int well = PQresultStatus(result) == PGRES_COMMAND_OK;

    PQclear(result);
    return well;
}

static int plain(struct database *database, const char *sql)
{
    return done(PQexec(database->connection, sql));
}

static int is_leased(const struct database *database, const struct key *key)
{
    const struct lease *lease;

    for (lease = database->leases; lease != NULL; lease = lease->next)
        if (strcmp(lease->key.project, key->project) == 0 && strcmp(lease->key.session, key->session) == 0)
            return 1;
    return 0;
}

/* Makes sure that the session is this connection's: CLAUDE_OK, or why it is not. */
static claude_status_t take(struct database *database, const char *key_json, const struct key *key)
{
    struct lease *lease;
    PGresult *result;
    claude_status_t status = CLAUDE_ERR_FILE;

    if (is_leased(database, key))
        return CLAUDE_OK;
    lease = calloc(1, sizeof *lease);
    if (lease == NULL)
        return CLAUDE_ERR_FILE;
    result = run(database, "SELECT pg_try_advisory_lock(hashtextextended($1 || '/' || $2, 0))", 2, key, NULL);
    if (PQresultStatus(result) == PGRES_TUPLES_OK)
        status = *PQgetvalue(result, 0, 0) == 't' ? CLAUDE_OK : CLAUDE_ERR_SESSION_IN_USE;
    PQclear(result);
    if (status != CLAUDE_OK) {
        free(lease);
        return status;
    }
    lease->key = key_of(key_json);
    lease->next = database->leases;
    database->leases = lease;
    return CLAUDE_OK;
}

/* Fails a call with the words for it, and gives the lock of the connection back. What was half done is undone first. */
static void refuse(claude_store_call_t *call, struct database *database, claude_status_t status)
{
    char words[512] = "the session is in use on another machine";

    if (status != CLAUDE_ERR_SESSION_IN_USE)
        sprintf(words, "%.500s", PQerrorMessage(database->connection));
    if (PQtransactionStatus(database->connection) != PQTRANS_IDLE)
        plain(database, "ROLLBACK");
    pthread_mutex_unlock(&database->lock);
    fail(call, status, words);
}

static int keep_summary(struct database *database, const struct key *key, const char *key_json, const char *entries)
{
    PGresult *result =
        run(database, "SELECT summary FROM claude_sessions WHERE project = $1 AND session = $2", 2, key, NULL);
    char *data = NULL;
    int well;

    if (PQresultStatus(result) == PGRES_TUPLES_OK)
        data = folded(PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : NULL, key_json, entries);
    PQclear(result);
    if (data == NULL)
        return 0;
    well = done(run(database,
                    "INSERT INTO claude_sessions (project, session, mtime, summary) VALUES"
                    " ($1, $2, (extract(epoch FROM clock_timestamp()) * 1000)::bigint, $3)"
                    " ON CONFLICT (project, session) DO UPDATE SET summary = excluded.summary,"
                    " mtime = greatest(excluded.mtime, claude_sessions.mtime + 1)",
                    2, key, data));
    claude_string_free(data);
    return well;
}

static void append(claude_store_call_t *call, const char *key_json, const char *entries_json, void *user_data)
{
    struct database *database = user_data;
    struct key key = key_of(key_json);
    claude_status_t status;

    pthread_mutex_lock(&database->lock);
    status = take(database, key_json, &key);
    if (status == CLAUDE_OK && strcmp(entries_json, "[]") != 0) {
        /* All of it or nothing: an append that failed is asked again. */
        int well = plain(database, "BEGIN") &&
                   done(run(database,
                            "INSERT INTO claude_appended (project, session, subpath, entries) VALUES ($1, $2, $3, $4)", 3,
                            &key, entries_json)) &&
                   (*key.subpath != '\0' || keep_summary(database, &key, key_json, entries_json)) &&
                   plain(database, "COMMIT");

        if (!well)
            status = CLAUDE_ERR_FILE;
    }
    key_free(&key);
    if (status != CLAUDE_OK) {
        refuse(call, database, status);
        return;
    }
    pthread_mutex_unlock(&database->lock);
    claude_store_call_respond(call, NULL, NULL);
}

/* Adds a row of the answer. */
typedef void (*add_row)(PGresult *result, int row, struct text *rows);

static void add_entries(PGresult *result, int row, struct text *rows)
{
    text_add_array(rows, PQgetvalue(result, row, 0), (size_t)PQgetlength(result, row, 0));
}

static void add_session(PGresult *result, int row, struct text *rows)
{
    text_add_row(rows, PQgetvalue(result, row, 0), atoll(PQgetvalue(result, row, 1)), NULL);
}

static void add_summary(PGresult *result, int row, struct text *rows)
{
    text_add_row(rows, PQgetvalue(result, row, 0), atoll(PQgetvalue(result, row, 1)), PQgetvalue(result, row, 2));
}

static void add_subpath(PGresult *result, int row, struct text *rows)
{
    char *quoted = NULL;

    if (claude_json_quote(PQgetvalue(result, row, 0), &quoted, NULL) == CLAUDE_OK)
        text_add_item(rows, quoted);
    claude_string_free(quoted);
}

/* Answers with what a statement gives. `parts` of the key are its parameters; three of them are a load, which takes the session. */
static void answer_query(claude_store_call_t *call, const char *key_json, struct database *database, const char *sql,
                         int parts, add_row add)
{
    struct key key = key_of(key_json);
    struct text rows = {0};
    claude_status_t status = CLAUDE_OK;
    PGresult *result = NULL;
    int row, count = 0;

    pthread_mutex_lock(&database->lock);
    if (parts == 3)
        status = take(database, key_json, &key);
    if (status == CLAUDE_OK) {
        result = run(database, sql, parts, &key, NULL);
        status = PQresultStatus(result) == PGRES_TUPLES_OK ? CLAUDE_OK : CLAUDE_ERR_FILE;
    }
    key_free(&key);
    if (status != CLAUDE_OK) {
        PQclear(result);
        refuse(call, database, status);
        return;
    }
    pthread_mutex_unlock(&database->lock);
    count = PQntuples(result);
    text_begin_array(&rows);
    for (row = 0; row < count; row++)
        add(result, row, &rows);
    text_end_array(&rows);
    PQclear(result);
    answer(call, &rows, parts < 3 || count > 0);
}

static void load(claude_store_call_t *call, const char *key_json, void *user_data)
{
    const char *sql =
        "SELECT entries FROM claude_appended WHERE project = $1 AND session = $2 AND subpath = $3 ORDER BY id";

    answer_query(call, key_json, user_data, sql, 3, add_entries);
}

static void list(claude_store_call_t *call, const char *key_json, void *user_data)
{
    answer_query(call, key_json, user_data, "SELECT session, mtime FROM claude_sessions WHERE project = $1", 1,
                 add_session);
}

static void summaries(claude_store_call_t *call, const char *key_json, void *user_data)
{
    answer_query(call, key_json, user_data, "SELECT session, mtime, summary FROM claude_sessions WHERE project = $1", 1,
                 add_summary);
}

static void list_subkeys(claude_store_call_t *call, const char *key_json, void *user_data)
{
    const char *sql =
        "SELECT DISTINCT subpath FROM claude_appended WHERE project = $1 AND session = $2 AND subpath <> ''";

    answer_query(call, key_json, user_data, sql, 2, add_subpath);
}

static void remove_key(claude_store_call_t *call, const char *key_json, void *user_data)
{
    struct database *database = user_data;
    struct key key = key_of(key_json);
    claude_status_t status;

    pthread_mutex_lock(&database->lock);
    status = take(database, key_json, &key);
    if (status == CLAUDE_OK &&
        (!done(run(database, "DELETE FROM claude_appended WHERE project = $1 AND session = $2 AND $3 IN ('', subpath)", 3,
                   &key, NULL)) ||
         (*key.subpath == '\0' &&
          !done(run(database, "DELETE FROM claude_sessions WHERE project = $1 AND session = $2", 2, &key, NULL)))))
        status = CLAUDE_ERR_FILE;
    key_free(&key);
    if (status != CLAUDE_OK) {
        refuse(call, database, status);
        return;
    }
    pthread_mutex_unlock(&database->lock);
    claude_store_call_respond(call, NULL, NULL);
}

static void destroy(void *user_data)
{
    struct database *database = user_data;
    struct lease *lease = database->leases;

    while (lease != NULL) {
        struct lease *next = lease->next;

        key_free(&lease->key);
        free(lease);
        lease = next;
    }
    PQfinish(database->connection);
    pthread_mutex_destroy(&database->lock);
    free(database);
}

/* Nobody needs to read that a table is there already. */
static void no_notice(void *user_data, const PGresult *result)
{
    (void)user_data;
    (void)result;
}

/* The store's functions and what they work on; 0 = well. `place` is a connection string. */
static int open_store(const char *place, claude_session_store_vtable_t *vtable, void **user_data)
{
    struct database *database = calloc(1, sizeof *database);

    if (database == NULL)
        return -1;
    pthread_mutex_init(&database->lock, NULL);
    database->connection = PQconnectdb(place);
    PQsetNoticeReceiver(database->connection, no_notice, NULL);
    if (PQstatus(database->connection) != CONNECTION_OK ||
        PQsetClientEncoding(database->connection, "UTF8") != 0 || !plain(database, schema)) {
        fprintf(stderr, "%s", PQerrorMessage(database->connection));
        destroy(database);
        return -1;
    }
    memset(vtable, 0, sizeof *vtable);
    vtable->size = sizeof *vtable;
    vtable->append = append;
    vtable->load = load;
    vtable->list = list;
    vtable->summaries = summaries;
    vtable->remove = remove_key;
    vtable->list_subkeys = list_subkeys;
    vtable->destroy = destroy;
    *user_data = database;
    return 0;
}

#ifndef STORE_WITHOUT_MAIN
int main(int argc, char **argv)
{
    claude_session_store_vtable_t vtable;
    claude_session_store_t *store = NULL;
    claude_error_t *error = NULL;
    void *user_data = NULL;

    if (open_store(argc > 2 ? argv[2] : "", &vtable, &user_data) != 0)
        return EXIT_FAILURE;
    if (claude_session_store_create(&vtable, user_data, &store, &error) != CLAUDE_OK)
        return example_end(NULL, error);
    return store_main(argc, argv, store);
}
#endif
