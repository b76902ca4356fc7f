/*
 * A session store in a SQLite database: the choice for one machine. `store.h` says how to run it; PLACE is the file.
 */
#include "store.h"
#include <sqlite3.h>

/* The user data. The library calls from several threads at once; one connection serves them in turn. */
struct database {
    sqlite3 *connection;
    pthread_mutex_t lock;
};

static const char *const schema =
    "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = FULL;"
    "CREATE TABLE IF NOT EXISTS appended (id INTEGER PRIMARY KEY AUTOINCREMENT, project TEXT NOT NULL,"
    " session TEXT NOT NULL, subpath TEXT NOT NULL, entries TEXT NOT NULL);"
    "CREATE INDEX IF NOT EXISTS appended_to ON appended (project, session, subpath, id);"
    "CREATE TABLE IF NOT EXISTS sessions (project TEXT NOT NULL, session TEXT NOT NULL, mtime INTEGER NOT NULL,"
    " summary TEXT NOT NULL, PRIMARY KEY (project, session)) WITHOUT ROWID;";

/* Milliseconds, by the database's own clock. */
#define NOW "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"

/* A statement with the parts of the key as its first parameters; NULL where it cannot be prepared. */
static sqlite3_stmt *prepare(struct database *database, const char *sql, const struct key *key)
{
    sqlite3_stmt *statement = NULL;
    const char *parts[3];
    int i, count;

    parts[0] = key->project;
    parts[1] = key->session;
    parts[2] = key->subpath;
    if (sqlite3_prepare_v2(database->connection, sql, -1, &statement, NULL) != SQLITE_OK)
        return NULL;
    count = sqlite3_bind_parameter_count(statement);
    for (i = 0; i < 3 && i < count; i++)
        sqlite3_bind_text(statement, i + 1, parts[i], -1, SQLITE_TRANSIENT);
    return statement;
}

/* Runs a statement that gives no rows. `text`, if it is not NULL, is the parameter `at`. 0 = well. */
static int run(struct database *database, const char *sql, const struct key *key, int at, const char *text)
{
    sqlite3_stmt *statement = prepare(database, sql, key);
    int done;

    if (statement == NULL)
        return -1;
    if (text != NULL)
        sqlite3_bind_text(statement, at, text, -1, SQLITE_TRANSIENT);
    done = sqlite3_step(statement);
    sqlite3_finalize(statement);
    return done == SQLITE_DONE ? 0 : -1;
}

static const char *column(sqlite3_stmt *row, int at)
{
    const char *text = (const char *)sqlite3_column_text(row, at);

    return text == NULL ? "" : text;
}

/* Adds a row of the answer. */
typedef void (*add_row)(sqlite3_stmt *row, struct text *rows);

/* The rows of a statement as an array; how many, or less than 0. */
static int query(struct database *database, const char *sql, const struct key *key, add_row add, struct text *rows)
{
    sqlite3_stmt *statement = prepare(database, sql, key);
    int step = SQLITE_ERROR, count = 0;

    text_begin_array(rows);
    while (statement != NULL && (step = sqlite3_step(statement)) == SQLITE_ROW) {
        add(statement, rows);
        count++;
    }
    text_end_array(rows);
    sqlite3_finalize(statement);
    return step == SQLITE_DONE ? count : -1;
}

/* Fails the call with the database's words, and gives the lock back. */
static void fail_with_words(claude_store_call_t *call, struct database *database)
{
    fail(call, CLAUDE_ERR_FILE, sqlite3_errmsg(database->connection));
    pthread_mutex_unlock(&database->lock);
}

static int keep_summary(struct database *database, const struct key *key, const char *key_json, const char *entries)
{
    sqlite3_stmt *statement =
        prepare(database, "SELECT summary FROM sessions WHERE project = ? AND session = ?", key);
    const char *before = NULL;
    char *data;
    int failed;

    if (statement == NULL)
        return -1;
    if (sqlite3_step(statement) == SQLITE_ROW)
        before = column(statement, 0);
    data = folded(before, key_json, entries);
    sqlite3_finalize(statement);
    if (data == NULL)
        return -1;
    /* A time that is newer than all others, also within a millisecond. */
    failed = run(database,
                 "INSERT INTO sessions (project, session, mtime, summary) VALUES (?1, ?2,"
                 " max(" NOW ", 1 + (SELECT coalesce(max(mtime), 0) FROM sessions)), ?3)"
                 " ON CONFLICT (project, session) DO UPDATE SET mtime = excluded.mtime, summary = excluded.summary",
                 key, 3, data);
    claude_string_free(data);
    return failed;
}

static void append(claude_store_call_t *call, const char *key_json, const char *entries_json, void *user_data)
{
    struct database *database = user_data;
    struct key key = key_of(key_json);
    int failed = 0;

    pthread_mutex_lock(&database->lock);
    if (strcmp(entries_json, "[]") != 0) {
        /* All of it or nothing: an append that failed is asked again. */
        failed = run(database, "BEGIN IMMEDIATE", &key, 0, NULL) ||
                 run(database, "INSERT INTO appended (project, session, subpath, entries) VALUES (?, ?, ?, ?)", &key, 4,
                     entries_json) ||
                 (*key.subpath == '\0' && keep_summary(database, &key, key_json, entries_json)) ||
                 run(database, "COMMIT", &key, 0, NULL);
    }
    key_free(&key);
    if (failed) {
        fail(call, CLAUDE_ERR_FILE, sqlite3_errmsg(database->connection));
        sqlite3_exec(database->connection, "ROLLBACK", NULL, NULL, NULL);
        pthread_mutex_unlock(&database->lock);
        return;
    }
    pthread_mutex_unlock(&database->lock);
    claude_store_call_respond(call, NULL, NULL);
}

static void add_entries(sqlite3_stmt *row, struct text *rows)
{
    text_add_array(rows, column(row, 0), (size_t)sqlite3_column_bytes(row, 0));
}

static void add_session(sqlite3_stmt *row, struct text *rows)
{
    text_add_row(rows, column(row, 0), sqlite3_column_int64(row, 1), NULL);
}

static void add_summary(sqlite3_stmt *row, struct text *rows)
{
    text_add_row(rows, column(row, 0), sqlite3_column_int64(row, 1), column(row, 2));
}

static void add_subpath(sqlite3_stmt *row, struct text *rows)
{
    char *quoted = NULL;

    if (claude_json_quote(column(row, 0), &quoted, NULL) == CLAUDE_OK)
        text_add_item(rows, quoted);
    claude_string_free(quoted);
}

/* Answers with what a statement gives. `always`: an empty array where it gives nothing, in place of NULL. */
static void answer_query(claude_store_call_t *call, const char *key_json, struct database *database, const char *sql,
                         add_row add, int always)
{
    struct key key = key_of(key_json);
    struct text rows = {0};
    int count;

    pthread_mutex_lock(&database->lock);
    count = query(database, sql, &key, add, &rows);
    key_free(&key);
    if (count < 0) {
        text_free(&rows);
        fail_with_words(call, database);
        return;
    }
    pthread_mutex_unlock(&database->lock);
    answer(call, &rows, always || count > 0);
}

static void load(claude_store_call_t *call, const char *key_json, void *user_data)
{
    const char *sql = "SELECT entries FROM appended WHERE project = ? AND session = ? AND subpath = ? ORDER BY id";

    answer_query(call, key_json, user_data, sql, add_entries, 0);
}

static void list(claude_store_call_t *call, const char *key_json, void *user_data)
{
    answer_query(call, key_json, user_data, "SELECT session, mtime FROM sessions WHERE project = ?", add_session, 1);
}

static void summaries(claude_store_call_t *call, const char *key_json, void *user_data)
{
    const char *sql = "SELECT session, mtime, summary FROM sessions WHERE project = ?";

    answer_query(call, key_json, user_data, sql, add_summary, 1);
}

static void list_subkeys(claude_store_call_t *call, const char *key_json, void *user_data)
{
    const char *sql = "SELECT DISTINCT subpath FROM appended WHERE project = ? AND session = ? AND subpath <> ''";

    answer_query(call, key_json, user_data, sql, add_subpath, 1);
}

static void remove_key(claude_store_call_t *call, const char *key_json, void *user_data)
{
    struct database *database = user_data;
    struct key key = key_of(key_json);
    int failed;

    pthread_mutex_lock(&database->lock);
    failed = run(database, "DELETE FROM appended WHERE project = ?1 AND session = ?2 AND ?3 IN ('', subpath)", &key, 0,
                 NULL) ||
             run(database, "DELETE FROM sessions WHERE project = ?1 AND session = ?2 AND ?3 = ''", &key, 0, NULL);
    key_free(&key);
    if (failed) {
        fail_with_words(call, database);
        return;
    }
    pthread_mutex_unlock(&database->lock);
    claude_store_call_respond(call, NULL, NULL);
}

static void destroy(void *user_data)
{
    struct database *database = user_data;

    sqlite3_close(database->connection);
    pthread_mutex_destroy(&database->lock);
    free(database);
}

/* The store's functions and what they work on; 0 = well. `place` is the file. */
static int open_store(const char *place, claude_session_store_vtable_t *vtable, void **user_data)
{
    struct database *database = calloc(1, sizeof *database);

    if (database == NULL)
        return -1;
    pthread_mutex_init(&database->lock, NULL);
    if (sqlite3_open(place, &database->connection) != SQLITE_OK ||
        sqlite3_busy_timeout(database->connection, 10000) != SQLITE_OK ||
        sqlite3_exec(database->connection, schema, NULL, NULL, NULL) != SQLITE_OK) {
        fprintf(stderr, "%s: %s\n", place, sqlite3_errmsg(database->connection));
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

    if (open_store(argc > 2 ? argv[2] : "sessions.db", &vtable, &user_data) != 0)
        return EXIT_FAILURE;
    if (claude_session_store_create(&vtable, user_data, &store, &error) != CLAUDE_OK)
        return example_end(NULL, error);
    return store_main(argc, argv, store);
}
#endif
