/*
 * The floor: vfork, exec, a read loop and memchr by hand, without any library. With GUEST=1 in the environment it does what
 * a good guest in somebody else's process cannot do without: a socket for stdin, which raises no SIGPIPE, and a poller that
 * waits for many children at once. With GUEST=thread a second thread reads, and wakes the one that asked (ping, control).
 *
 * raw STANDIN bulk COUNT SIZE KIND WRITES | ping ROUNDS | control ROUNDS | connect ROUNDS | idle CLIENTS
 *             many CLIENTS PROMPTS | big SIZE
 */
#include "common.h"
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>

struct child {
    pid_t pid;
    int in, out;
    char *buffer;
    size_t held, room, scanned;
    int more;
};

static volatile long sink;
static long messages;
static int guest, poller;

static const char INITIALIZE[] =
    "{\"type\":\"control_request\",\"request_id\":\"r\",\"request\":{\"subtype\":\"initialize\"}}\n";
static const char PING[] = "{\"type\":\"user\",\"message\":{\"role\":\"user\",\"content\":\"ping\"}}\n";
static const char RESPONSE[] = "{\"type\":\"control_response\"";
static const char RESULT[] = "{\"type\":\"result\"";

static void start(struct child *child, const char *program) {
    int to[2], from[2];
    struct epoll_event readable = {.events = EPOLLIN | EPOLLET, .data.ptr = child};
    if (guest ? socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, to) : pipe2(to, O_CLOEXEC)) exit(1);
    if (pipe2(from, O_CLOEXEC)) exit(1);
    child->pid = vfork();
    if (child->pid == 0) {
        dup2(to[0], 0);
        dup2(from[1], 1);
        execl(program, program, (char *)NULL);
        _exit(127);
    }
    close(to[0]);
    close(from[1]);
    child->in = to[1];
    child->out = from[0];
    child->held = child->scanned = 0;
    if (guest && (fcntl(child->out, F_SETFL, O_NONBLOCK) || epoll_ctl(poller, EPOLL_CTL_ADD, child->out, &readable)))
        exit(1);
}

static void stop(struct child *child) {
    int status;
    close(child->in);
    close(child->out);
    waitpid(child->pid, &status, 0);
}

static void send_text(struct child *child, const char *text, size_t len) {
    ssize_t sent = guest ? send(child->in, text, len, MSG_NOSIGNAL | MSG_DONTWAIT) : write(child->in, text, len);
    if (sent != (ssize_t)len) exit(1);
}

/* Reads once. Returns whether a line that starts with `head` has come. */
static int receive(struct child *child, const char *head, size_t len) {
    if (child->held == child->room) {
        child->room = child->room ? child->room * 2 : 1 << 18;
        child->buffer = realloc(child->buffer, child->room);
    }
    ssize_t got = read(child->out, child->buffer + child->held, child->room - child->held);
    /* A full read may have left something; after any other the pipe was empty, and what comes is a new event. */
    child->more = got == (ssize_t)(child->room - child->held);
    if (guest && got < 0) return 0;
    if (got <= 0) exit(1);
    child->held += (size_t)got;
    char *begin = child->buffer, *from = child->buffer + child->scanned, *end;
    int found = 0;
    while ((end = memchr(from, '\n', child->held - (size_t)(from - child->buffer)))) {
        sink += end - begin;
        messages++;
        if (begin[0] == '{' && !memcmp(begin, head, len)) found = 1;
        begin = from = end + 1;
    }
    child->held -= (size_t)(begin - child->buffer);
    memmove(child->buffer, begin, child->held);
    child->scanned = child->held;
    return found;
}

#define ask(child, text, until) (send_text(child, text, sizeof text - 1), await(child, until, sizeof until - 1))

static void await(struct child *child, const char *head, size_t len) {
    struct epoll_event event;
    do {
        if (guest && !child->more && epoll_wait(poller, &event, 1, -1) < 0) exit(1);
    } while (!receive(child, head, len));
}

/* What the second thread looks for, and how many it has found. */
static struct {
    struct child *child;
    const char *head;
    long found;
    pthread_mutex_t lock;
    pthread_cond_t changed;
} reader = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void *read_on(void *unused) {
    for (;;) {
        await(reader.child, reader.head, strlen(reader.head));
        pthread_mutex_lock(&reader.lock);
        reader.found++;
        pthread_cond_signal(&reader.changed);
        pthread_mutex_unlock(&reader.lock);
    }
    return unused;
}

static void start_reader(struct child *child, const char *head) {
    pthread_t thread;
    reader.child = child;
    reader.head = head;
    if (pthread_create(&thread, NULL, read_on, NULL)) exit(1);
}

static void ask_reader(const char *text, long number) {
    send_text(reader.child, text, strlen(text));
    pthread_mutex_lock(&reader.lock);
    while (reader.found <= number) pthread_cond_wait(&reader.changed, &reader.lock);
    pthread_mutex_unlock(&reader.lock);
}

static void open_child(struct child *child, const char *program) {
    start(child, program);
    ask(child, INITIALIZE, RESPONSE);
}

static void flood(struct child *child, const char *count, const char *size, const char *kind, const char *writes) {
    char line[256];
    int len = snprintf(line, sizeof line,
                       "{\"type\":\"user\",\"message\":{\"role\":\"user\",\"content\":\"flood %s %s %s %s\"}}\n", count, size,
                       kind, writes);
    send_text(child, line, (size_t)len);
    await(child, RESULT, sizeof RESULT - 1);
}

/* Takes what `left` children answer, as the poller tells it. */
static void await_all_as_guest(long left) {
    struct epoll_event events[64];
    while (left > 0) {
        int ready = epoll_wait(poller, events, 64, -1);
        if (ready < 0) exit(1);
        for (int i = 0; i < ready; i++) left -= receive(events[i].data.ptr, RESULT, sizeof RESULT - 1);
    }
}

/* All clients ask at once; one poll loop takes what comes. */
static void ask_all(struct child *children, struct pollfd *fds, long count) {
    long left = count;
    for (long i = 0; i < count; i++) {
        send_text(&children[i], PING, sizeof PING - 1);
        fds[i].fd = children[i].out;
        fds[i].events = POLLIN;
    }
    if (guest) {
        await_all_as_guest(left);
        return;
    }
    while (left > 0) {
        if (poll(fds, (nfds_t)count, -1) < 0) exit(1);
        for (long i = 0; i < count; i++)
            if (fds[i].revents && receive(&children[i], RESULT, sizeof RESULT - 1)) {
                fds[i].fd = -1;
                left--;
            }
    }
}

int main(int argc, char **argv) {
    if (argc < 4) return 2;
    guest = getenv("GUEST") != NULL;
    poller = epoll_create1(EPOLL_CLOEXEC);
    signal(SIGPIPE, SIG_IGN);
    const char *program = argv[1], *what = argv[2];
    long rounds = atol(argv[3]);
    double *times = malloc(sizeof *times * (size_t)rounds);
    struct result result = {0};
    int is_many = !strcmp(what, "many"), is_idle = !strcmp(what, "idle"), is_connect = !strcmp(what, "connect");
    long count = is_many || is_idle ? rounds : 1;
    struct child *children = calloc((size_t)count, sizeof *children);
    struct pollfd *fds = calloc((size_t)count, sizeof *fds);
    for (long i = 0; i < count && !is_connect; i++) open_child(&children[i], program);
    if (is_connect) { /* the first one pays for what is loaded lazily */
        open_child(children, program);
        stop(children);
    }
    int is_ping = !strcmp(what, "ping"), reads_on = guest && !strcmp(getenv("GUEST"), "thread") && (is_ping || !strcmp(what, "control"));
    if (reads_on) start_reader(children, is_ping ? RESULT : RESPONSE);
    reset_peak();
    result.rss_before = status_of("VmRSS:");
    result.wall = now(), result.cpu = cpu();
    if (!strcmp(what, "bulk")) {
        flood(children, argv[3], argv[4], argv[5], argv[6]);
    } else if (!strcmp(what, "big")) {
        flood(children, "1", argv[3], "assistant", "1");
    } else if (is_many) {
        for (long p = atol(argv[4]); p > 0; p--) ask_all(children, fds, count);
    } else if (!is_idle) {
        for (long i = 0; i < rounds; i++) {
            double begin = now();
            if (is_connect) open_child(children, program);
            else if (reads_on) ask_reader(is_ping ? PING : INITIALIZE, i);
            else if (is_ping) ask(children, PING, RESULT);
            else ask(children, INITIALIZE, RESPONSE);
            times[i] = now() - begin;
            if (is_connect) stop(children);
        }
        result.median = median(times, rounds);
    }
    result.wall = now() - result.wall, result.cpu = cpu() - result.cpu;
    result.messages = messages;
    result.rss_after = status_of("VmRSS:");
    print_result(&result);
    return 0;
}
