/*
 * A session store in a folder, such as one on a network file system: a folder for each session, in it a file for the session and
 * one for each subagent. `store.h` says how to run it.
 */
#define _POSIX_C_SOURCE 200809L
#include "store.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef _WIN32
#include <direct.h>
#include <io.h>
#include <windows.h>

#define O_CLOEXEC (O_NOINHERIT | O_BINARY)
#define fsync _commit
#define mkdir(path, mode) _mkdir(path) /* who may enter it is inherited from the folder above */
#endif

/* The user data: where the store is. */
struct folder {
    char *path;
};

/* Any text as a file name: all but small letters, digits, `-` and `_` become %XX. Capital letters too: not every system tells names
 * apart by them. */
static void add_name(struct text *path, const char *name)
{
    char hex[4];

    for (; *name != '\0'; name++) {
        unsigned char byte = (unsigned char)*name;

        if (strchr("abcdefghijklmnopqrstuvwxyz0123456789-_", byte) != NULL) {
            text_add(path, name, 1);
        } else {
            sprintf(hex, "%%%02X", byte);
            text_append(path, hex);
        }
    }
}

/* The other way round, in place. */
static void plain_name(char *name)
{
    char *to = name, hex[3] = "";

    for (; *name != '\0'; name++) {
        if (*name == '%' && name[1] != '\0' && name[2] != '\0') {
            memcpy(hex, name + 1, 2);
            *to++ = (char)strtol(hex, NULL, 16);
            name += 2;
        } else {
            *to++ = *name;
        }
    }
    *to = '\0';
}

static struct text path_of_project(const struct folder *folder, const struct key *key)
{
    struct text path = {0};

    text_append(&path, folder->path);
    text_append(&path, "/");
    add_name(&path, key->project);
    return path;
}

static struct text path_of_session(const struct folder *folder, const struct key *key)
{
    struct text path = path_of_project(folder, key);

    text_append(&path, "/");
    add_name(&path, key->session);
    return path;
}

static struct text path_of(const struct folder *folder, const struct key *key)
{
    struct text path = path_of_session(folder, key);

    if (*key->subpath == '\0') {
        text_append(&path, "/session.jsonl");
    } else {
        text_append(&path, "/+");
        add_name(&path, key->subpath);
        text_append(&path, ".jsonl");
    }
    return path;
}

/* Makes the folders above a file. */
static void make_folders(char *path)
{
    char *slash;

    for (slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
}

/* The whole of a file; 0 where there is none. */
static int read_file(const char *path, struct text *contents)
{
    char piece[65536];
    ssize_t count = 0;
    int file = open(path, O_RDONLY | O_CLOEXEC);

    if (file < 0)
        return 0;
    while ((count = read(file, piece, sizeof piece)) > 0)
        text_add(contents, piece, (size_t)count);
    close(file);
    if (count < 0)
        contents->failed = 1;
    return 1;
}

/* 0 = all of it is on the disk. */
static int write_file(const char *path, int flags, const char *bytes, size_t length)
{
    int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600), failed = file < 0;

    while (!failed && length > 0) {
        ssize_t count = write(file, bytes, length);

        if (count < 0 && errno != EINTR)
            failed = 1;
        if (count > 0) {
            bytes += count;
            length -= (size_t)count;
        }
    }
    if (file >= 0) {
        failed |= fsync(file) != 0;
        failed |= close(file) != 0;
    }
    return failed;
}

/* Puts a file in the place of another one; 0 = done. */
static int take_the_place(const char *draft, const char *path)
{
#ifdef _WIN32
    return MoveFileExA(draft, path, MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH) ? 0 : -1;
#else
    return rename(draft, path);
#endif
}

/* The time of a session, by which lists are sorted. */
#ifdef _WIN32
static long long mtime_of(const char *path)
{
    WIN32_FILE_ATTRIBUTE_DATA about;
    ULARGE_INTEGER ticks; /* of 100 ns since 1601 */

    if (!GetFileAttributesExA(path, GetFileExInfoStandard, &about))
        return 0;
    ticks.LowPart = about.ftLastWriteTime.dwLowDateTime;
    ticks.HighPart = about.ftLastWriteTime.dwHighDateTime;
    return (long long)(ticks.QuadPart / 10000) - 11644473600000LL;
}
#else
static long long mtime_of(const char *path)
{
    struct stat about;

    if (stat(path, &about) != 0)
        return 0;
#ifdef __APPLE__
    return (long long)about.st_mtime * 1000 + about.st_mtimensec / 1000000;
#else
    return (long long)about.st_mtim.tv_sec * 1000 + about.st_mtim.tv_nsec / 1000000;
#endif
}
#endif

/* The data of the summary lies beside the session, and is replaced in whole. */
static int keep_summary(const struct folder *folder, const struct key *key, const char *key_json, const char *entries)
{
    struct text path = path_of_session(folder, key), draft = path_of_session(folder, key), before = {0};
    char *data;
    int failed = 1;

    text_append(&path, "/summary.json");
    text_append(&draft, "/summary.new");
    data = folded(read_file(path.start, &before) ? before.start : NULL, key_json, entries);
    if (data != NULL)
        failed = write_file(draft.start, O_TRUNC, data, strlen(data)) || take_the_place(draft.start, path.start) != 0;
    claude_string_free(data);
    text_free(&before);
    text_free(&draft);
    text_free(&path);
    return failed;
}

static void append(claude_store_call_t *call, const char *key_json, const char *entries_json, void *user_data)
{
    struct folder *folder = user_data;
    struct key key = key_of(key_json);
    struct text path = path_of(folder, &key), line = {0};
    int failed = 0;

    if (strcmp(entries_json, "[]") != 0) {
        /* In one write: whoever reads meanwhile sees all of it or none. */
        text_append(&line, entries_json);
        text_append(&line, "\n");
        make_folders(path.start);
        failed = line.failed || write_file(path.start, O_APPEND, line.start, line.length) ||
                 (*key.subpath == '\0' && keep_summary(folder, &key, key_json, entries_json));
    }
    if (failed)
        fail(call, CLAUDE_ERR_FILE, strerror(errno));
    else
        claude_store_call_respond(call, NULL, NULL);
    text_free(&line);
    text_free(&path);
    key_free(&key);
}

static void load(claude_store_call_t *call, const char *key_json, void *user_data)
{
    struct key key = key_of(key_json);
    struct text path = path_of(user_data, &key), contents = {0}, entries = {0};
    int found = read_file(path.start, &contents);
    char *line = contents.start;

    text_begin_array(&entries);
    while (line != NULL && *line != '\0') {
        size_t length = strcspn(line, "\n");

        /* A last line that was cut short when a machine died is the start of an append that was never confirmed. */
        if (line[length] == '\n')
            text_add_array(&entries, line, length);
        line += length + (line[length] == '\n');
    }
    text_end_array(&entries);
    entries.failed |= contents.failed;
    answer(call, &entries, found);
    text_free(&contents);
    text_free(&path);
    key_free(&key);
}

/* Calls `each` with the names in a folder. */
static void each_name(const char *path, void (*each)(const char *path, char *name, struct text *rows), struct text *rows)
{
    DIR *folder = opendir(path);
    struct dirent *entry;

    while (folder != NULL && (entry = readdir(folder)) != NULL)
        if (*entry->d_name != '.')
            each(path, entry->d_name, rows);
    if (folder != NULL)
        closedir(folder);
}

static void add_session(const char *project, char *name, struct text *rows)
{
    struct text path = {0};
    long long mtime;

    text_append(&path, project);
    text_append(&path, "/");
    text_append(&path, name);
    text_append(&path, "/session.jsonl");
    mtime = mtime_of(path.start);
    plain_name(name);
    if (mtime != 0)
        text_add_row(rows, name, mtime, NULL);
    text_free(&path);
}

static void add_summary(const char *project, char *name, struct text *rows)
{
    struct text path = {0}, summary = {0};
    size_t folder;

    text_append(&path, project);
    text_append(&path, "/");
    text_append(&path, name);
    folder = path.length;
    text_append(&path, "/summary.json");
    if (read_file(path.start, &summary)) {
        path.length = folder;
        text_append(&path, "/session.jsonl");
        plain_name(name);
        text_add_row(rows, name, mtime_of(path.start), summary.start);
    }
    text_free(&summary);
    text_free(&path);
}

static void list(claude_store_call_t *call, const char *key_json, void *user_data)
{
    struct key key = key_of(key_json);
    struct text path = path_of_project(user_data, &key), rows = {0};

    text_begin_array(&rows);
    each_name(path.start, add_session, &rows);
    text_end_array(&rows);
    answer(call, &rows, 1);
    text_free(&path);
    key_free(&key);
}

static void summaries(claude_store_call_t *call, const char *key_json, void *user_data)
{
    struct key key = key_of(key_json);
    struct text path = path_of_project(user_data, &key), rows = {0};

    text_begin_array(&rows);
    each_name(path.start, add_summary, &rows);
    text_end_array(&rows);
    answer(call, &rows, 1);
    text_free(&path);
    key_free(&key);
}

static void add_subpath(const char *session, char *name, struct text *rows)
{
    char *quoted = NULL, *end = strstr(name, ".jsonl");

    (void)session;
    if (*name != '+' || end == NULL)
        return;
    *end = '\0';
    plain_name(name);
    if (claude_json_quote(name + 1, &quoted, NULL) == CLAUDE_OK)
        text_add_item(rows, quoted);
    claude_string_free(quoted);
}

static void list_subkeys(claude_store_call_t *call, const char *key_json, void *user_data)
{
    struct key key = key_of(key_json);
    struct text path = path_of_session(user_data, &key), rows = {0};

    text_begin_array(&rows);
    each_name(path.start, add_subpath, &rows);
    text_end_array(&rows);
    answer(call, &rows, 1);
    text_free(&path);
    key_free(&key);
}

static void remove_one(const char *session, char *name, struct text *rows)
{
    struct text path = {0};

    (void)rows;
    text_append(&path, session);
    text_append(&path, "/");
    text_append(&path, name);
    unlink(path.start);
    text_free(&path);
}

static void remove_key(claude_store_call_t *call, const char *key_json, void *user_data)
{
    struct key key = key_of(key_json);
    struct text session = path_of_session(user_data, &key), path = path_of(user_data, &key);

    if (*key.subpath == '\0') {
        each_name(session.start, remove_one, NULL);
        rmdir(session.start);
    } else {
        unlink(path.start);
    }
    claude_store_call_respond(call, NULL, NULL);
    text_free(&path);
    text_free(&session);
    key_free(&key);
}

static void destroy(void *user_data)
{
    struct folder *folder = user_data;

    free(folder->path);
    free(folder);
}

/* The store's functions and what they work on; 0 = well. `place` is the folder. */
static int open_store(const char *place, claude_session_store_vtable_t *vtable, void **user_data)
{
    struct folder *folder = calloc(1, sizeof *folder);

    if (folder == NULL || (folder->path = malloc(strlen(place) + 1)) == NULL) {
        free(folder);
        return -1;
    }
    strcpy(folder->path, place);
    memset(vtable, 0, sizeof *vtable);
    vtable->size = sizeof *vtable;
    vtable->append = append;
    vtable->load = load;
    vtable->list = list;
    vtable->summaries = summaries;
    vtable->remove = remove_key;
    vtable->list_subkeys = list_subkeys;
    vtable->destroy = destroy;
    *user_data = folder;
    return 0;
}

#ifndef STORE_WITHOUT_MAIN
int main(int argc, char **argv)
{
    claude_session_store_vtable_t vtable;
    claude_session_store_t *store = NULL;
    claude_error_t *error = NULL;
    void *user_data = NULL;

    if (open_store(argc > 2 ? argv[2] : "sessions", &vtable, &user_data) != 0)
        return EXIT_FAILURE;
    if (claude_session_store_create(&vtable, user_data, &store, &error) != CLAUDE_OK)
        return example_end(NULL, error);
    return store_main(argc, argv, store);
}
#endif
