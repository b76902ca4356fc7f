// The Qt adapter under the scenarios that all adapters share.
#include "../../include/adapters/claude_qt.hpp"

#include <QCoreApplication>
#include <QEventLoop>
#include <QTimer>

#include "adapter_scenarios.h"

static QCoreApplication *app;
static QEventLoop *inner;
static QTimer *ticker;
static QPointer<ClaudeQtNotifier> attached[MOST];

static void loop_open()
{
    static int argc = 1;
    static char name[] = "adapter_qt";
    static char *argv[] = {name, nullptr};
    app = new QCoreApplication(argc, argv);
    ticker = new QTimer(app);
    ticker->setTimerType(Qt::PreciseTimer);
    QObject::connect(ticker, &QTimer::timeout, [] { on_tick(); });
}

static void loop_run()
{
    app->exec();
}

static void loop_quit()
{
    app->quit();
}

static void loop_close()
{
    for (const QPointer<ClaudeQtNotifier> &notifier : attached)
        CHECK(notifier.isNull());
    delete app;
}

static void loop_start_ticks()
{
    ticker->start(1);
}

static int loop_attach(int slot, claude_client_t *client, claude_error_t **error)
{
    ClaudeQtNotifier *notifier = ClaudeQtNotifier::attach(client, error, app);
    if (notifier == nullptr)
        return 0;
    CHECK(notifier->parent() == app && notifier->status() == CLAUDE_OK);
    QObject::connect(notifier, &QObject::destroyed, [slot] { on_detached(slot); });
    attached[slot] = notifier;
    return 1;
}

static void loop_detach(int slot, int inside)
{
    CHECK(!attached[slot].isNull());
    if (inside)
        delete attached[slot].data();
    else
        attached[slot]->deleteLater();
}

static int loop_nest()
{
    QEventLoop loop;
    inner = &loop;
    loop.exec();
    return 1;
}

static void loop_unnest()
{
    inner->quit();
}
