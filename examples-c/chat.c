/*
 * A chat on the terminal. Text appears while it is being written; Ctrl-C interrupts the answer and not the program.
 *
 *     ./chat                                       talk
 *     ./chat '{"model": "haiku"}'                  with options (docs/options.md)
 *     printf 'Hello\n/cost\n' | ./chat             scripted: one prompt per line
 *
 *     /model NAME   changes the model, without a name back to the first one
 *     /mode NAME    changes the permission mode: default, plan, acceptEdits, ...
 *     /cost         what the session has cost
 *     /quit         ends the program, as does Ctrl-D
 *     Other lines with a slash are commands of Claude Code, such as /context.
 *
 * One thread does everything: the library is in PUMP mode, so that callbacks run inside claude_client_pump() and
 * nothing needs a lock. The loop sleeps until the terminal, the library or Ctrl-C has something: in poll(), on Windows in
 * WaitForMultipleObjects().
 */
#define _POSIX_C_SOURCE 200809L
#include "example.h"
#ifdef _WIN32
#include <io.h>
#include <windows.h>
#define isatty _isatty
#else
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>
#endif

typedef struct {
    claude_client_t *client;
    char *result;      /* the last result message, for /cost */
    int waiting;       /* for the end of an answer or of a command */
    int shown;         /* something of this answer is on the screen */
    int interrupting;  /* so often Ctrl-C was pressed since an interrupt is on its way */
    int leave, failed; /* the end of the program, and how */
} chat_t;

/* ---- what the library tells us ---- */

static void on_message(claude_message_kind_t kind, const char *json, size_t len, void *user_data)
{
    chat_t *chat = user_data;

    switch (kind) {
    case CLAUDE_EVENT_TEXT_DELTA: /* a piece of the answer, as plain text */
        fwrite(json, 1, len, stdout);
        fflush(stdout);
        chat->shown = 1;
        break;
    case CLAUDE_MESSAGE_ASSISTANT:
        example_print("\n[uses the tool ", json, "/message/content/0/name", "]\n");
        break;
    case CLAUDE_MESSAGE_RESULT: /* the answer is complete */
        if (!example_is_failure(kind, json) && !chat->shown)
            example_print("", json, "/result", "");
        putchar('\n');
        example_print("[ended: ", json, "/errors/0", "]\n");
        free(chat->result);
        chat->result = malloc(len + 1);
        if (chat->result != NULL)
            memcpy(chat->result, json, len + 1);
        chat->waiting = 0;
        break;
    case CLAUDE_EVENT_WARNING:
        fprintf(stderr, "warning: %s\n", json);
        break;
    default: /* not for this program's users */
        break;
    }
}

static void on_closed(claude_status_t status, const char *error_json, size_t len, void *user_data)
{
    chat_t *chat = user_data;

    (void)len;
    if (status != CLAUDE_OK) {
        example_print_failure(error_json);
        chat->failed = 1;
    }
    chat->leave = 1;
}

/* The end of /model and /mode: `json` is the reply, or what went wrong. */
static void on_changed(claude_status_t status, const char *json, size_t len, void *user_data)
{
    chat_t *chat = user_data;

    (void)len;
    if (status == CLAUDE_OK)
        printf("[done]\n");
    else
        example_print("[refused: ", json, "/message", "]\n");
    chat->waiting = 0;
}

static void on_interrupted(claude_status_t status, const char *json, size_t len, void *user_data)
{
    chat_t *chat = user_data;

    (void)json;
    (void)len;
    chat->interrupting = 0; /* should the answer go on all the same, the next Ctrl-C tries again */
    if (status == CLAUDE_OK)
        printf("\n[interrupted]");
}

/* ---- what the user tells us ---- */

static void print_cost(const chat_t *chat)
{
    if (chat->result == NULL) {
        printf("[nothing yet]\n");
        return;
    }
    example_print("[cost: $", chat->result, "/total_cost_usd", "");
    example_print(", turns of the last answer: ", chat->result, "/num_turns", "");
    example_print(", it took ", chat->result, "/duration_ms", " ms]\n");
}

/* The text after the command `name` if `line` is that command, else NULL. */
static const char *argument(const char *line, const char *name)
{
    size_t length = strlen(name);

    if (strncmp(line, name, length) != 0 || (line[length] != ' ' && line[length] != '\0'))
        return NULL;
    return line + length + strspn(line + length, " ");
}

static claude_status_t do_line(chat_t *chat, const char *line, claude_error_t **error)
{
    const char *name;

    if (line[0] == '\0')
        return CLAUDE_OK;
    if (argument(line, "/quit") != NULL) {
        chat->leave = 1;
        return CLAUDE_OK;
    }
    if (argument(line, "/cost") != NULL) {
        print_cost(chat);
        return CLAUDE_OK;
    }
    chat->waiting = 1;
    chat->shown = 0;
    if ((name = argument(line, "/model")) != NULL)
        return claude_client_set_model(chat->client, *name != '\0' ? name : NULL, on_changed, chat, error);
    if ((name = argument(line, "/mode")) != NULL)
        return claude_client_set_permission_mode(chat->client, name, on_changed, chat, error);
    return claude_client_query(chat->client, line, NULL, NULL, error);
}

/* Lines from standard input. Not stdio: its buffer would hide from the loop what has been read already. */
static struct {
    char text[65536];
    size_t used;
    int ended;
} input;

/* Moves the next line into `line`, which has room for a whole input.text. False when there is none yet. */
static int take_line(char *line)
{
    char *end = memchr(input.text, '\n', input.used);
    size_t length = end != NULL ? (size_t)(end - input.text) : input.used;
    size_t taken = end != NULL ? length + 1 : length;

    if (end == NULL && (input.used == 0 || (!input.ended && input.used < sizeof input.text - 1)))
        return 0;
    if (length == sizeof input.text)
        length--;
    memcpy(line, input.text, length);
    line[length] = '\0';
    input.used -= taken;
    memmove(input.text, input.text + taken, input.used);
    return 1;
}

/* ---- waiting for the terminal, the library and Ctrl-C ---- */

#ifdef _WIN32

static HANDLE ctrl_c, wanted, arrived; /* events */

/* What a second thread has read: neither a pipe nor a terminal can be waited for. It reads when the loop wants it. */
static struct {
    char text[4096];
    DWORD room, used;
    int ended, running;
} piece;

static DWORD WINAPI read_pieces(void *unused)
{
    (void)unused;
    for (;;) {
        WaitForSingleObject(wanted, INFINITE);
        SetLastError(ERROR_SUCCESS);
        if (!ReadFile(GetStdHandle(STD_INPUT_HANDLE), piece.text, piece.room, &piece.used, NULL))
            piece.used = 0;
        /* At a terminal Ctrl-C ends the read as well, with nothing. */
        piece.ended = piece.used == 0 && GetLastError() != ERROR_OPERATION_ABORTED;
        SetEvent(arrived);
    }
    return 0;
}

/* Runs on a thread of the system's. */
static BOOL WINAPI on_ctrl_c(DWORD kind)
{
    return kind == CTRL_C_EVENT && SetEvent(ctrl_c);
}

static int catch_ctrl_c(void)
{
    HANDLE thread;

    ctrl_c = CreateEventA(NULL, FALSE, FALSE, NULL);
    wanted = CreateEventA(NULL, FALSE, FALSE, NULL);
    arrived = CreateEventA(NULL, FALSE, FALSE, NULL);
    if (ctrl_c == NULL || wanted == NULL || arrived == NULL || !SetConsoleCtrlHandler(on_ctrl_c, TRUE))
        return -1;
    thread = CreateThread(NULL, 0, read_pieces, NULL, 0, NULL);
    return thread != NULL && CloseHandle(thread) ? 0 : -1;
}

/* Returns when one of the three has something; with `input_wanted`, what was read is in `input`. Whether it was Ctrl-C. */
static int wait_for_something(intptr_t library, int input_wanted)
{
    HANDLE sources[3];
    DWORD first;

    sources[0] = ctrl_c;
    sources[1] = (HANDLE)library;
    sources[2] = arrived;
    if (input_wanted && !piece.running) {
        size_t room = sizeof input.text - input.used;

        piece.room = (DWORD)(room < sizeof piece.text ? room : sizeof piece.text);
        piece.running = 1;
        SetEvent(wanted);
    }
    first = WaitForMultipleObjects(input_wanted ? 3 : 2, sources, FALSE, INFINITE);
    if (first == WAIT_OBJECT_0 + 2) {
        memcpy(input.text + input.used, piece.text, piece.used);
        input.used += piece.used;
        input.ended = piece.ended;
        piece.running = 0;
    }
    return first == WAIT_OBJECT_0;
}

#else

static int signal_pipe[2];

/* Only write() is allowed here: it wakes the loop, which does the rest. */
static void on_signal(int number)
{
    int saved = errno;

    (void)number;
    if (write(signal_pipe[1], "", 1) < 0) { /* full: the loop will wake up anyway */
    }
    errno = saved;
}

static int catch_ctrl_c(void)
{
    struct sigaction action;
    int i;

    if (pipe(signal_pipe) != 0)
        return -1;
    for (i = 0; i < 2; i++)
        if (fcntl(signal_pipe[i], F_SETFL, O_NONBLOCK) != 0 || fcntl(signal_pipe[i], F_SETFD, FD_CLOEXEC) != 0)
            return -1;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    return sigaction(SIGINT, &action, NULL);
}

static void read_input(void)
{
    ssize_t got = read(STDIN_FILENO, input.text + input.used, sizeof input.text - input.used);

    if (got > 0)
        input.used += (size_t)got;
    else if (got == 0 || (errno != EINTR && errno != EAGAIN))
        input.ended = 1;
}

/* Returns when one of the three has something; with `input_wanted`, what was read is in `input`. Whether it was Ctrl-C. */
static int wait_for_something(intptr_t library, int input_wanted)
{
    struct pollfd sources[3];
    char bytes[16];

    memset(sources, 0, sizeof sources);
    sources[0].fd = signal_pipe[0];
    sources[1].fd = (int)library;
    sources[2].fd = input_wanted ? STDIN_FILENO : -1; /* poll() leaves out negative descriptors */
    sources[0].events = sources[1].events = sources[2].events = POLLIN;
    if (poll(sources, 3, -1) < 0)
        return 0; /* a signal: its byte is in the pipe */
    if (sources[2].revents != 0)
        read_input();
    return sources[0].revents != 0 && read(signal_pipe[0], bytes, sizeof bytes) > 0;
}

#endif

static claude_status_t do_ctrl_c(chat_t *chat, claude_error_t **error)
{
    if (!chat->waiting) {
        printf("\n[/quit ends the program]\n");
        return CLAUDE_OK;
    }
    if (++chat->interrupting == 2) /* Claude Code has not even confirmed the first one */
        printf("\n[still interrupting; Ctrl-C once more ends the program]\n");
    else if (chat->interrupting > 2)
        chat->leave = 1;
    if (chat->interrupting > 1)
        return CLAUDE_OK;
    return claude_client_interrupt(chat->client, on_interrupted, chat, error);
}

/* ---- the loop ---- */

static claude_status_t talk(chat_t *chat, claude_error_t **error)
{
    static char line[sizeof input.text];
    const int terminal = isatty(0);
    intptr_t library;
    claude_status_t status = claude_client_ready_handle(chat->client, CLAUDE_LANE_ALL, &library, error);
    int asked = 0; /* the "> " is on the screen */

    while (status == CLAUDE_OK && !chat->leave) {
        if (!chat->waiting && take_line(line)) {
            if (!terminal)
                printf("> %s\n", line);
            asked = 0;
            status = do_line(chat, line, error);
            continue;
        }
        if (!chat->waiting && input.ended)
            break;
        if (!chat->waiting && terminal && !asked) {
            printf("> ");
            asked = 1;
        }
        fflush(stdout);

        /* Standard input waits while Claude answers. */
        if (wait_for_something(library, !chat->waiting)) {
            asked = 0;
            status = do_ctrl_c(chat, error);
        }
        if (status == CLAUDE_OK)
            status = claude_client_pump(chat->client, 0, 0, CLAUDE_NO_WAIT, NULL, error);
    }
    return status;
}

int main(int argc, char **argv)
{
    static const char OPTIONS[] = CLAUDE_JSON({"text_deltas": true});
    chat_t chat = {NULL, NULL, 0, 0, 0, 0, 0};
    claude_error_t *error = NULL;
    int code;

    TRY(claude_client_create(example_options(argc, argv, OPTIONS), &chat.client, &error));
    TRY(claude_client_set_dispatch(chat.client, CLAUDE_DISPATCH_PUMP, &error));
    TRY(claude_client_on_message(chat.client, on_message, &chat, NULL, &error));
    TRY(claude_client_on_closed(chat.client, on_closed, &chat, NULL, &error));
    TRY(claude_client_connect_wait(chat.client, NULL, 60000, &error));
    if (catch_ctrl_c() != 0) {
        perror("Ctrl-C cannot be caught");
        chat.failed = 1;
        goto done;
    }
    TRY(talk(&chat, &error));

done:
    code = example_end(chat.client, error);
    free(chat.result);
    return chat.failed ? EXIT_FAILURE : code;
}
