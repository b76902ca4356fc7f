/*
 * Transports of your own: how the library's lines reach the CLI, wherever that runs, and how its output comes back.
 * Two of them here:
 *   in memory   a scripted partner without any CLI, such as a test would use
 *   socket      a Unix socket, with a small server behind it that becomes the CLI for the one who connects; not on Windows,
 *               where no process can become another program
 */
#define _POSIX_C_SOURCE 200809L
#define _DARWIN_C_SOURCE /* macOS: mkdtemp */
#include "example.h"
#ifndef _WIN32
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* macOS: set SO_NOSIGPIPE on the socket */
#endif

/* ---- In memory ---- */

typedef struct {
    claude_sink_t *sink;
} memory_t;

static claude_status_t memory_connect(claude_sink_t *sink, void *user_data)
{
    ((memory_t *)user_data)->sink = sink;
    return CLAUDE_OK;
}

static claude_status_t say(memory_t *memory, const char *lines)
{
    return claude_sink_push(memory->sink, lines, strlen(lines), NULL);
}

/* Gets one line, of which `len` bytes are given and no NUL. It may answer at once, or later from any thread. */
static claude_status_t memory_write(const void *bytes, size_t len, void *user_data)
{
    static const char turn[] =
        CLAUDE_JSON({"type": "assistant", "message": {"content": [{"type": "text", "text": "Paris, from memory."}]}}) "\n"
        CLAUDE_JSON({"type": "result", "subtype": "success", "is_error": false, "num_turns": 1, "session_id": "memory"}) "\n";
    char *line = malloc(len), *type = NULL, *id = NULL, answer[256];
    claude_status_t status = CLAUDE_OK;

    if (line == NULL)
        return CLAUDE_ERR_CLI_CONNECTION;
    memcpy(line, bytes, len - 1);
    line[len - 1] = '\0'; /* in place of the newline */
    if (claude_json_get(line, "/type", &type, NULL) != CLAUDE_OK) {
        free(line);
        return CLAUDE_ERR_JSON_DECODE;
    }
    if (strcmp(type, "user") == 0)
        status = say(user_data, turn);
    if (strcmp(type, "control_request") == 0 && claude_json_get(line, "/request_id", &id, NULL) == CLAUDE_OK) {
        snprintf(answer, sizeof answer,
                 CLAUDE_JSON({"type": "control_response",
                              "response": {"subtype": "success", "request_id": "%s", "response": {}}}) "\n",
                 id);
        status = say(user_data, answer);
    }
    claude_string_free(type);
    claude_string_free(id);
    free(line);
    return status;
}

static claude_status_t memory_end_input(void *user_data)
{
    return claude_sink_end(((memory_t *)user_data)->sink, CLAUDE_OK, 0, NULL, NULL);
}

static claude_status_t memory_close(void *user_data)
{
    (void)user_data; /* nothing to let go of */
    return CLAUDE_OK;
}

static const claude_transport_vtable_t memory_transport = {
    .size = sizeof(claude_transport_vtable_t),
    .connect = memory_connect,
    .write = memory_write,
    .end_input = memory_end_input,
    .close = memory_close,
};

/* ---- Over a socket ---- */

#ifndef _WIN32

typedef struct {
    const char *path;
    int fd;
    claude_sink_t *sink;
    pthread_t reader;
    int reading;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int room; /* counts the calls of socket_on_room */
    int closed;
} socket_t;

/* Reads no faster than the program takes it: what is not read makes the CLI wait. */
static void wait_for_room(socket_t *self)
{
    int seen;

    pthread_mutex_lock(&self->lock);
    for (seen = self->room; !self->closed && !claude_sink_has_room(self->sink); seen = self->room)
        while (!self->closed && self->room == seen)
            pthread_cond_wait(&self->changed, &self->lock);
    pthread_mutex_unlock(&self->lock);
}

static void *read_all(void *argument)
{
    socket_t *self = argument;
    char buffer[16384];
    ssize_t got;

    do {
        wait_for_room(self);
        got = recv(self->fd, buffer, sizeof buffer, 0);
    } while (got > 0 && claude_sink_push(self->sink, buffer, (size_t)got, NULL) == CLAUDE_OK);
    if (got < 0)
        claude_sink_end(self->sink, CLAUDE_ERR_CLI_CONNECTION, -1, "the connection broke", NULL);
    else
        claude_sink_end(self->sink, CLAUDE_OK, 0, NULL, NULL);
    return NULL;
}

static claude_status_t socket_connect(claude_sink_t *sink, void *user_data)
{
    socket_t *self = user_data;
    struct sockaddr_un address = {0};

    self->sink = sink;
    self->fd = socket(AF_UNIX, SOCK_STREAM, 0);
    address.sun_family = AF_UNIX;
    strncpy(address.sun_path, self->path, sizeof address.sun_path - 1);
    if (self->fd < 0 || connect(self->fd, (struct sockaddr *)&address, sizeof address) != 0)
        return CLAUDE_ERR_CLI_CONNECTION;
    self->reading = pthread_create(&self->reader, NULL, read_all, self) == 0;
    return self->reading ? CLAUDE_OK : CLAUDE_ERR_CLI_CONNECTION;
}

/* All of the line, or a failure, which ends the session. */
static claude_status_t socket_write(const void *bytes, size_t len, void *user_data)
{
    const char *rest = bytes;
    ssize_t sent;

    for (; len > 0; rest += sent, len -= (size_t)sent)
        if ((sent = send(((socket_t *)user_data)->fd, rest, len, MSG_NOSIGNAL)) < 0)
            return CLAUDE_ERR_CLI_CONNECTION;
    return CLAUDE_OK;
}

static claude_status_t socket_end_input(void *user_data)
{
    return shutdown(((socket_t *)user_data)->fd, SHUT_WR) == 0 ? CLAUDE_OK : CLAUDE_ERR_CLI_CONNECTION;
}

static void wake(socket_t *self, int closed)
{
    pthread_mutex_lock(&self->lock);
    self->room++;
    self->closed |= closed;
    pthread_cond_broadcast(&self->changed);
    pthread_mutex_unlock(&self->lock);
}

/* Makes whatever waits return; it may come while socket_write runs. */
static claude_status_t socket_close(void *user_data)
{
    socket_t *self = user_data;

    shutdown(self->fd, SHUT_RDWR);
    wake(self, 1);
    return CLAUDE_OK;
}

static void socket_on_room(void *user_data)
{
    wake(user_data, 0);
}

/* The last call. The sink's handle is dead already, so the reader's calls with it do nothing. */
static void socket_destroy(void *user_data)
{
    socket_t *self = user_data;

    if (self->reading)
        pthread_join(self->reader, NULL);
    if (self->fd >= 0)
        close(self->fd);
}

static const claude_transport_vtable_t socket_transport = {
    .size = sizeof(claude_transport_vtable_t),
    .connect = socket_connect,
    .write = socket_write,
    .end_input = socket_end_input,
    .close = socket_close,
    .destroy = socket_destroy,
    .on_room = socket_on_room,
};

/* The far side: waits for one connection, and becomes a CLI whose stdin and stdout it is. */
static pid_t serve(const char *path)
{
    const char *cli = getenv("CLAUDE_CLIENT_CLI");
    struct sockaddr_un address = {0};
    int listener = socket(AF_UNIX, SOCK_STREAM, 0), connection;
    pid_t server;

    address.sun_family = AF_UNIX;
    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 1) != 0)
        return -1;
    server = fork(); /* before the library has started: afterwards a copy could only exec */
    if (server == 0) {
        connection = accept(listener, NULL, NULL);
        if (connection >= 0 && dup2(connection, 0) == 0 && dup2(connection, 1) == 1) {
            close(connection);
            close(listener);
            execlp(cli != NULL ? cli : "claude", "claude", "--output-format", "stream-json", "--verbose",
                   "--input-format", "stream-json", (char *)NULL);
        }
        _exit(127);
    }
    close(listener);
    return server;
}

#endif

/* ---- A session does not know the difference. ---- */

static int ask(const char *title, const char *options, const claude_transport_vtable_t *transport, void *user_data)
{
    claude_client_t *client = NULL;
    claude_error_t *error = NULL;

    printf("%s:\n", title);
    TRY(claude_client_create(options, &client, &error));
    TRY(claude_client_set_transport(client, transport, user_data, &error));
    TRY(claude_client_on_message(client, example_print_message, NULL, NULL, &error));
    TRY(claude_client_connect_wait(client, NULL, 60000, &error));
    TRY(claude_client_query(client, "What is the capital of France?", NULL, NULL, &error));
    TRY(claude_client_receive_response(client, NULL, 120000, &error));

done:
    return example_end(client, error);
}

#ifdef _WIN32

int main(int argc, char **argv)
{
    memory_t memory = {NULL};

    return ask("In memory", example_options(argc, argv, NULL), &memory_transport, &memory);
}

#else

int main(int argc, char **argv)
{
    const char *options = example_options(argc, argv, NULL);
    char folder[] = "/tmp/custom-transport-XXXXXX", path[64];
    memory_t memory = {NULL};
    socket_t over_socket = {.fd = -1, .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    pid_t server;
    int code;

    if (mkdtemp(folder) == NULL)
        return EXIT_FAILURE;
    sprintf(path, "%s/socket", folder);
    over_socket.path = path;
    server = serve(path);
    code = ask("In memory", options, &memory_transport, &memory);
    code |= ask("Through a socket", options, &socket_transport, &over_socket);
    if (server > 0) {
        kill(server, SIGTERM); /* it ends with its input; only one to whom nobody came is still there */
        waitpid(server, NULL, 0);
    }
    unlink(path);
    rmdir(folder);
    return code;
}

#endif
