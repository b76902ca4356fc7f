/*
 * claude-client in a Qt event loop. One header that you compile yourself; the library does not depend on Qt. No moc.
 *
 * Licence: MIT or Apache-2.0, as you choose. Floor: C++11, Qt 5 or 6 (QtCore). Not for Windows, where there is no
 * descriptor.
 *
 *     claude_client_create(NULL, &client, NULL);
 *     claude_client_on_message(client, on_message, window, NULL, NULL);
 *     ClaudeQtNotifier *notifier = ClaudeQtNotifier::attach(client, nullptr, window);
 *     claude_client_connect(client, "Hello!", NULL, NULL, NULL);
 *     app.exec();                                                          // Qt runs the callbacks
 *     delete notifier;
 *     claude_client_free(client);
 *
 * WHAT. The client's callbacks run in the event loop, in rounds of at most 2 ms (setBudget), so that timers, input and
 * drawing get their turn between two rounds. A callback may run a loop of its own, such as QDialog::exec: the client waits
 * until it has returned.
 *
 * THREADS. The notifier lives in the thread that made it, which needs an event loop, or where moveToThread brings it, and
 * callbacks run there. The client can be used on any thread. Nobody else may dispatch the client while it is attached.
 *
 * OWNERSHIP. The notifier is a QObject: its parent deletes it, or you do. The client stays yours.
 *
 * TEARDOWN. Delete the notifier, and free the client when you like: before, after, inside a callback or on another thread.
 * Inside a callback use deleteLater(): `delete` is safe there too, but the round that is running still goes on to its end.
 * A freed client is never called again, and its notifier falls silent. To end without holding up the loop:
 * claude_client_disconnect, then delete and free in on_closed.
 */
#ifndef CLAUDE_QT_HPP
#define CLAUDE_QT_HPP

#ifdef _WIN32
#error "claude_qt.hpp needs a descriptor to watch: on Windows post an event from claude_client_on_ready"
#endif

#include <claude_client.h>

#include <QEvent>
#include <QPointer>
#include <QSocketNotifier>

#include <fcntl.h>
#include <unistd.h>

/** A client in the event loop of a thread. */
class ClaudeQtNotifier : public QSocketNotifier {
public:
    /**
     * Lets the event loop of this thread run the client's callbacks. A client without any registration is switched to
     * PUMP mode.
     *
     * @param client The client, in PUMP mode or without any registration yet, and attached nowhere else.
     * @param error Receives the error; may be nullptr.
     * @param parent The owner; may be nullptr.
     * @return The notifier; nullptr when the client cannot be watched, and `error` says why. Without an error the process
     *   has no descriptor left, and `errno` says so.
     */
    static ClaudeQtNotifier *attach(claude_client_t *client, claude_error_t **error = nullptr,
                                    QObject *parent = nullptr)
    {
        // Refused once something is registered: the mode was chosen before then, and the next call judges it.
        (void)claude_client_set_dispatch(client, CLAUDE_DISPATCH_PUMP, nullptr);
        intptr_t handle = -1;
        if (claude_client_ready_handle(client, CLAUDE_LANE_ALL, &handle, error) != CLAUDE_OK)
            return nullptr;
        // A descriptor of our own for the same thing: the client may be freed, and its number given to another file,
        // while Qt still watches this one.
        const int descriptor = ::fcntl(static_cast<int>(handle), F_DUPFD_CLOEXEC, 0);
        return descriptor < 0 ? nullptr : new ClaudeQtNotifier(client, descriptor, parent);
    }

    ~ClaudeQtNotifier() override
    {
        setEnabled(false);
        ::close(descriptor_);
    }

    /** How long a round of callbacks may take, in microseconds; 0 = no limit. */
    void setBudget(uint32_t microseconds) { budget_ = microseconds; }

    /** CLAUDE_OK while the client is watched; else why dispatching it has failed, such as CLAUDE_ERR_INVALID_HANDLE. */
    claude_status_t status() const { return status_; }

protected:
    bool event(QEvent *event) override
    {
        if (event->type() != QEvent::SockAct)
            return QSocketNotifier::event(event);
        if (running_) {
            // In a loop that a callback runs. The descriptor stays readable: without this Qt would spin.
            setEnabled(false);
            paused_ = true;
        } else {
            run();
        }
        return true;
    }

private:
    ClaudeQtNotifier(claude_client_t *client, int descriptor, QObject *parent)
        : QSocketNotifier(descriptor, QSocketNotifier::Read, parent), client_(client), descriptor_(descriptor)
    {
    }

    void run()
    {
        const QPointer<ClaudeQtNotifier> self(this);
        running_ = true;
        const claude_status_t status = claude_client_pump(client_, 0, budget_, CLAUDE_NO_WAIT, nullptr, nullptr);
        if (self.isNull())
            return; // a callback has deleted it
        running_ = false;
        if (status != CLAUDE_OK && status != CLAUDE_ERR_WOULD_DEADLOCK && status != CLAUDE_ERR_CLOSED) {
            status_ = status;
            setEnabled(false);
        } else if (paused_) {
            setEnabled(true);
        }
        paused_ = false;
    }

    claude_client_t *client_;
    int descriptor_;
    uint32_t budget_ = 2000;
    claude_status_t status_ = CLAUDE_OK;
    bool running_ = false;
    bool paused_ = false;
};

#endif // CLAUDE_QT_HPP
