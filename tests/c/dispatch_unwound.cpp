/* Callbacks that are left by an exception or with the end of their thread, and threads that are cancelled in a call. */
#include "check.h"
#include "claude_client.h"

#include <pthread.h>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <unistd.h>

static std::string how, where;
static std::atomic<int> cancelled_in_callback{0}, caught{0};

static void leave(const char *place) {
    if (where != place) return;
    if (how == "catch") {
        /* What a callback in C++ is made of when what it calls may throw. */
        try {
            throw std::runtime_error("thrown by the host");
        } catch (std::exception &) {
            caught++;
        }
    }
    if (how == "throw") throw std::runtime_error("thrown by the host");
    if (how == "exit") pthread_exit(nullptr);
    if (how == "cancel") {
        CHECK(pthread_cancel(pthread_self()) == 0);
        pthread_testcancel();
        cancelled_in_callback++;
    }
}

static void on_message(claude_message_kind_t kind, const char *, size_t, void *) {
    if (kind == CLAUDE_MESSAGE_RESULT) leave("message");
}
static void on_request(claude_request_t *request, void *) {
    leave("request");
    claude_request_free(request);
}
static void on_stderr(const char *, size_t, void *) { leave("stderr"); }
static void on_destroy(void *) { leave("destroy"); }
static void on_log(claude_log_level_t, const char *, size_t, void *) { leave("log"); }

static int start(const char *mode, claude_client_t **client) {
    claude_dispatch_t number = std::string(mode) == "pump" ? CLAUDE_DISPATCH_PUMP : std::string(mode) == "inline" ? CLAUDE_DISPATCH_INLINE
        : std::string(mode) == "pull" ? CLAUDE_DISPATCH_PULL : CLAUDE_DISPATCH_THREAD;
    CHECK(claude_client_create(getenv("OPTIONS"), client, nullptr) == CLAUDE_OK);
    CHECK(claude_client_set_dispatch(*client, number, nullptr) == CLAUDE_OK);
    if (number == CLAUDE_DISPATCH_PULL) return 0;
    CHECK(claude_client_on_message(*client, on_message, nullptr, on_destroy, nullptr) == CLAUDE_OK);
    CHECK(claude_client_on_request(*client, on_request, nullptr, nullptr, nullptr) == CLAUDE_OK);
    if (where == "stderr") CHECK(claude_client_on_stderr(*client, on_stderr, nullptr, nullptr, nullptr) == CLAUDE_OK);
    if (where == "log") CHECK(claude_runtime_on_log(CLAUDE_LOG_DEBUG, on_log, nullptr, nullptr, nullptr) == CLAUDE_OK);
    CHECK(claude_client_connect_wait(*client, "hello", 30000, nullptr) == CLAUDE_OK);
    return 0;
}

static std::atomic<bool> returned{false}, waiting{false};
static std::atomic<int> status_of_wait{-9999};

static void *wait_for_ever(void *argument) {
    waiting = true;
    status_of_wait = claude_client_receive_response(static_cast<claude_client_t *>(argument), nullptr, CLAUDE_WAIT_FOREVER, nullptr);
    returned = true;
    pthread_testcancel(); /* here the host's own cancellation takes effect */
    CHECK(!"cancelled");
    return nullptr;
}

/* The thread is to be cancelled from the beginning: every system call of the library would be the end of it. */
static void *pull_all(void *argument) {
    claude_client_t *client = static_cast<claude_client_t *>(argument);
    claude_event_t *event = nullptr;
    claude_event_info_t info = {};
    info.size = sizeof info;
    CHECK(pthread_cancel(pthread_self()) == 0);
    while (info.kind != CLAUDE_MESSAGE_RESULT) {
        CHECK(claude_client_next(client, CLAUDE_LANE_ALL, 30000, &event, nullptr) == CLAUDE_OK);
        CHECK(claude_event_info(event, &info, nullptr) == CLAUDE_OK);
        claude_event_free(event);
    }
    waiting = true;
    claude_status_t status = CLAUDE_OK;
    while (status == CLAUDE_OK) {
        status = claude_client_next(client, CLAUDE_LANE_ALL, CLAUDE_WAIT_FOREVER, &event, nullptr);
        if (status == CLAUDE_OK) claude_event_free(event);
    }
    status_of_wait = status;
    returned = true;
    pthread_testcancel();
    CHECK(!"cancelled");
    return nullptr;
}

static int pull(bool frees) {
    claude_client_t *client = nullptr;
    start("pull", &client);
    intptr_t handle = 0;
    CHECK(claude_client_ready_handle(client, CLAUDE_LANE_ALL, &handle, nullptr) == CLAUDE_OK);
    CHECK(claude_client_connect_wait(client, "hello", 30000, nullptr) == CLAUDE_OK);
    pthread_t thread;
    void *result = nullptr;
    CHECK(pthread_create(&thread, nullptr, pull_all, client) == 0);
    while (!waiting) usleep(1000);
    if (frees) claude_client_free(client);
    else CHECK(claude_client_disconnect_wait(client, 30000, nullptr) == CLAUDE_OK);
    CHECK(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED && returned);
    CHECK(status_of_wait == CLAUDE_ERR_CLOSED || (frees && status_of_wait == CLAUDE_ERR_INVALID_HANDLE));
    if (!frees) claude_client_free(client);
    CHECK(claude_runtime_shutdown(30000, nullptr) == CLAUDE_OK);
    return 0;
}

int main(int count, char **arguments) {
    CHECK(count == 4);
    how = arguments[1], where = arguments[2];
    if (std::string(arguments[3]) == "pull") return pull(where == "free");
    claude_client_t *client = nullptr;
    start(arguments[3], &client);
    if (where == "wait") {
        CHECK(claude_client_receive_response(client, nullptr, 30000, nullptr) == CLAUDE_OK);
        pthread_t thread;
        void *result = nullptr;
        CHECK(pthread_create(&thread, nullptr, wait_for_ever, client) == 0);
        while (!waiting) usleep(1000);
        usleep(50000);
        CHECK(pthread_cancel(thread) == 0);
        usleep(50000);
        CHECK(!returned);
        CHECK(claude_client_disconnect_wait(client, 30000, nullptr) == CLAUDE_OK);
        if (std::string(arguments[3]) == "pump") while (!returned) usleep(1000);
        CHECK(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED && returned);
        CHECK(status_of_wait == CLAUDE_ERR_CLOSED);
        claude_client_free(client);
        CHECK(claude_runtime_shutdown(30000, nullptr) == CLAUDE_OK);
        return 0;
    }
    if (how == "catch") {
        CHECK(claude_client_receive_response(client, nullptr, 30000, nullptr) == CLAUDE_OK);
        CHECK(claude_client_query(client, "and again", nullptr, nullptr, nullptr) == CLAUDE_OK);
        CHECK(claude_client_receive_response(client, nullptr, 30000, nullptr) == CLAUDE_OK);
        /* What comes on stderr is not in the order of the messages. */
        while (caught < 2) {
            if (std::string(arguments[3]) == "pump") claude_client_pump(client, 0, 0, 10, nullptr, nullptr);
            else usleep(1000);
        }
        claude_client_free(client);
        CHECK(claude_runtime_shutdown(30000, nullptr) == CLAUDE_OK);
        return 0;
    }
    try {
        CHECK(claude_client_receive_response(client, nullptr, 30000, nullptr) == CLAUDE_OK);
        claude_client_free(client);
    } catch (std::exception &thrown) {
        printf("caught %s\n", thrown.what());
        return 1;
    }
    CHECK(how == "cancel" && cancelled_in_callback >= 1);
    CHECK(claude_runtime_shutdown(30000, nullptr) == CLAUDE_OK);
    return 0;
}
