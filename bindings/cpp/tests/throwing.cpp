// Exceptions at every border: out of handlers they come out of the wait; out of what the library calls, too.
#include <claude_client.hpp>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <thread>

#define EXPECT(condition)                                                                                              \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            std::fprintf(stderr, "%d: %s\n", __LINE__, #condition);                                                    \
            std::exit(1);                                                                                              \
        }                                                                                                              \
    } while (false)

template <class Function> static std::string thrown_by(Function&& function) {
    try {
        function();
    } catch (const std::exception& exception) {
        return exception.what();
    }
    return "nothing";
}

static claude::client connected() {
    claude::client client;
    client.connect();
    return client;
}

/** A far side that answers nothing, and throws. */
struct broken : claude::transport {
    claude_status_t connect(claude::sink) override { throw std::runtime_error("no far side"); }
    claude_status_t write(std::string_view) override { return CLAUDE_OK; }
    claude_status_t end_input() override { return CLAUDE_OK; }
    claude_status_t close() override { return CLAUDE_OK; }
};

static void a_transport() {
    claude::client client;
    client.set_transport(std::make_shared<broken>());
    EXPECT(thrown_by([&] { client.connect(); }) == "no far side");
}

static void a_ready_function() {
    claude::client client;
    std::atomic<bool> throws{false};
    client.on_ready([&] {
        if (throws.exchange(false)) throw std::runtime_error("not ready");
    });
    client.connect();
    throws = true;
    EXPECT(thrown_by([&] {
               for (auto& event : client.ask("Hello!")) static_cast<void>(event);
           }) == "not ready");
    EXPECT(client.ask("And now?").text().value() == "And now?");
}

static void a_pump() {
    claude::client client = connected();
    client.on_message([](claude::event& event) {
        if (event.kind() == CLAUDE_MESSAGE_RESULT) throw std::runtime_error("a result");
    });
    client.query("Hello!");
    EXPECT(thrown_by([&] {
               while (client.pump(std::chrono::seconds(10))) {}
           }) == "a result");
    client.disconnect();
    int messages = 0;
    client.on_message([&](claude::event& event) { messages += event.kind() == CLAUDE_EVENT_CLOSED; });
    client.run();
    EXPECT(messages == 1);
    EXPECT(!client.pump());
}

/** What `list` of a store with this function fails with, and how often the library let go of the function. */
static claude::error failure_of(std::function<void(claude::store_call)> list, std::shared_ptr<int> held) {
    claude::store_functions functions;
    functions.append = [held](claude::store_call, std::string_view) {};
    functions.load = [](claude::store_call) {};
    functions.list = std::move(list);
    const claude::session_store store(std::move(functions));
    try {
        store.list();
    } catch (const claude::error& error) {
        return error;
    }
    return claude::error(CLAUDE_OK, "{}");
}

/** The library lets go of a store when its functions have returned, on threads of its own. */
static bool is_alone(const std::shared_ptr<int>& held) {
    for (int wait = 0; held.use_count() > 1 && wait < 30000; ++wait)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return held.use_count() == 1;
}

static void a_session_store() {
    const auto held = std::make_shared<int>();
    const auto failed = failure_of([](claude::store_call) { throw std::runtime_error("no disk"); }, held);
    EXPECT(failed.status() == CLAUDE_ERR_FILE && failed.message().find("no disk") != std::string::npos);
    const claude::error elsewhere(CLAUDE_ERR_SESSION_IN_USE, claude::object({{"message", "elsewhere"}}).json());
    const auto taken = failure_of([&](claude::store_call) { throw elsewhere; }, held);
    EXPECT(taken.status() == CLAUDE_ERR_SESSION_IN_USE && taken.message().find("elsewhere") != std::string::npos);
    EXPECT(failure_of([](claude::store_call) { throw 3; }, held).status() == CLAUDE_ERR_FILE);
    EXPECT(failure_of([](claude::store_call) {}, held).status() == CLAUDE_ERR_CANCELLED); // dropped
    EXPECT(is_alone(held));

    claude::store_functions incomplete;
    incomplete.append = [held](claude::store_call, std::string_view) {};
    EXPECT(thrown_by([&] { claude::session_store(std::move(incomplete)); }).find("load") != std::string::npos);
    EXPECT(is_alone(held));

    // Kept beyond its function, it is answered once.
    std::optional<claude::store_call> kept;
    std::thread later;
    const auto answered = failure_of(
        [&](claude::store_call call) {
            kept = call;
            later = std::thread([&] { kept->respond(claude::list({})); });
        },
        held);
    EXPECT(is_alone(held)); // the function has returned, so the thread is in its place
    later.join();
    EXPECT(answered.status() == CLAUDE_OK);
    EXPECT(thrown_by([&] { kept->respond(); }) != "nothing");
}

/** A store of the client's outlives its handle, and goes with the client. */
static void a_store_that_a_client_keeps() {
    const auto held = std::make_shared<int>();
    {
        claude::client client;
        claude::store_functions functions;
        functions.append = [held](claude::store_call call, std::string_view) { call.respond(); };
        functions.load = [](claude::store_call call) { call.respond(); };
        client.set_session_store(claude::session_store(std::move(functions)));
        EXPECT(held.use_count() == 2);
        client.connect();
        EXPECT(client.ask("Hello!").text().value() == "Hello!");
    }
    EXPECT(is_alone(held));
}

/** A client of the stand-in with this script, on which nothing is registered. */
static claude::client with_script(const char* script) {
    return claude::client(claude::options().env({{"FAKE_CLAUDE", script}}));
}

template <class Function> static claude_status_t status_of(Function&& function) {
    try {
        function();
    } catch (const claude::error& error) {
        return error.status();
    }
    return CLAUDE_OK;
}

/** Who has the client: nobody loses it to a failure that leaves the spare as it is. */
static void a_spare() {
    claude::client client;
    const auto handle = client.native();
    claude::spare spare(std::move(client));
    EXPECT(client.native() == nullptr && spare.state() == CLAUDE_STATE_CONNECTING);
    EXPECT(claude::get(spare.wait().value(), "/commands") && *spare.ready_handle() >= 0);
    EXPECT(status_of([&] { spare.claim(claude::object({{"max_turn", 3}})); }) == CLAUDE_ERR_INVALID_OPTION);
    EXPECT(spare.state() == CLAUDE_STATE_CONNECTING && spare.pump());
    claude::client claimed = spare.claim(claude::object({{"cwd", "/"}}));
    EXPECT(claimed.native() == handle && claude::get(claimed.server_info().value(), "/commands"));
    EXPECT(status_of([&] { spare.claim(); }) == CLAUDE_ERR_ALREADY_CONNECTED);
    EXPECT(claimed.ask("Hello!").text().value() == "Hello!");
    {
        const claude::spare gone = std::move(spare);
    }
    EXPECT(claimed.ask("Still there?").text().value() == "Still there?");
    EXPECT(status_of([&] { claude::spare refused(std::move(claimed)); }) == CLAUDE_ERR_ALREADY_CONNECTED);
    EXPECT(claimed.ask("And here?").text().value() == "And here?");
}

/** Spares that end without a claim take their clients with them. */
static void spares_that_nobody_claims() {
    const auto held = std::make_shared<int>();
    const auto parked = [&](const char* script) {
        claude::client client = with_script(script);
        client.on_ready([held] {});
        return claude::spare(std::move(client));
    };
    {
        claude::spare starting = parked("{\"on_initialize\": []}"), other = parked("{}");
        other.wait();
        starting = std::move(other); // the one that was there ends at the end of this block
        EXPECT(starting.state() == CLAUDE_STATE_CONNECTING && held.use_count() == 3);
    }
    EXPECT(is_alone(held));
    claude::spare dead = parked("{\"on_start\": [{\"exit\": 3}]}");
    for (int again = 0; again < 2; ++again) EXPECT(status_of([&] { dead.wait(); }) == CLAUDE_ERR_PROCESS);
    while (dead.pump(std::chrono::seconds(1))) {}
    EXPECT(dead.state() == CLAUDE_STATE_CLOSED && thrown_by([&] { dead.claim(); }) != "nothing");
}

static void a_spare_that_is_asked_while_it_waits() {
    int asked = 0;
    claude::client client = with_script("{\"on_initialize\": [\"default\", {\"ask\": \"hook_callback\", \"wait\": false, "
                                        "\"id\": \"h\"}]}");
    client.hook("PreToolUse", "", [&](claude::request request) {
        ++asked;
        request.respond(claude::object({}));
    });
    claude::spare spare(std::move(client));
    while (asked == 0) EXPECT(spare.pump(std::chrono::seconds(1)));
    EXPECT(spare.claim().value().ask("Hello!").text().value() == "Hello!");
}

/** What the CLI asks during a claim is answered by the thread that claims; an exception there ends the session. */
static void a_claim_that_asks() {
    const char* const script = "{\"on_control\": {\"claim_session\": [{\"ask\": \"hook_callback\", \"wait\": false, "
                               "\"id\": \"h\", \"report\": false}, {\"await\": \"h\"}, \"default\"]}}";
    for (const bool throws : {false, true}) {
        int asked = 0;
        claude::client client = with_script(script);
        client.hook("PreToolUse", "", [&](claude::request request) {
            ++asked;
            if (throws) throw std::runtime_error("in the hook");
            request.respond(claude::object({}));
        });
        claude::spare spare(std::move(client));
        const std::string thrown = thrown_by([&] {
            EXPECT(spare.claim(claude::object({}), "Hello!").value().next(std::chrono::seconds(60)).value());
        });
        EXPECT(asked == 1 && thrown == (throws ? "in the hook" : "nothing"));
        EXPECT(status_of([&] { spare.claim(); }) == CLAUDE_ERR_INVALID_HANDLE); // the client is gone
    }
}

static void a_log() {
    claude::on_log(CLAUDE_LOG_DEBUG, [](claude_log_level_t, std::string_view) { throw std::runtime_error("a line"); });
    EXPECT(connected().ask("Hello!").text().value() == "Hello!");
    claude_runtime_on_log(CLAUDE_LOG_OFF, nullptr, nullptr, nullptr, nullptr);
}

static void a_text_with_a_nul() {
    claude::client client = connected();
    const std::string prompt("a\0b", 3);
    for (auto& event : client.ask(prompt))
        if (event.kind() == CLAUDE_MESSAGE_ASSISTANT)
            EXPECT(event.get("/message/content/0/text") == "a\xef\xbf\xbd"
                                                           "b");
    EXPECT(thrown_by([&] { client.set_model(std::string_view("a\0b", 3)); }).find("offset 1") != std::string::npos ||
           thrown_by([&] { client.set_model(std::string_view("a\0b", 3)); }).find("UTF-8") != std::string::npos);
}

/** Threads that wait in one client at the same time each get what is theirs. */
static void many_threads() {
    claude::client client = connected();
    std::atomic<int> replies{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] {
            for (int round = 0; round < 100; ++round) {
                const std::string reply = client.get_mcp_status();
                replies += claude::count(reply, "/mcpServers") == 0 && reply.find("mcpServers") != std::string::npos;
            }
        });
    int answers = 0;
    for (int round = 0; round < 50; ++round) answers += client.ask("Hello!").text().value() == "Hello!";
    for (auto& thread : threads) thread.join();
    EXPECT(answers == 50);
    EXPECT(replies == 400);

    std::thread waker([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        client.wake();
    });
    while (claude::event event = client.next()) {}
    waker.join();
}

static void values() {
    EXPECT(claude::value(0.1).json() == "0.10000000000000001");
    EXPECT(claude::value(true).json() == "true" && claude::value(-3).json() == "-3" &&
           claude::value(nullptr).json() == "null");
    EXPECT(claude::value(1e300 * 1e300).json() == "null");
    EXPECT(claude::object({{"a\n", claude::list({1, "x", claude::object({})})}}).json() ==
           "{\"a\\u000a\":[1,\"x\",{}]}");
    EXPECT(claude::get("{\"a/b\":[1,{\"c\":\"\\u00e9\"}]}", "/a~1b/1/c") == "é");
    EXPECT(claude::key("{\"x\":1,\"y\":2}", "", 1) == "y" && claude::count("[1,2,3]") == 3);
}

int main() {
    values();
    a_transport();
    a_ready_function();
    a_pump();
    a_session_store();
    a_store_that_a_client_keeps();
    a_spare();
    spares_that_nobody_claims();
    a_spare_that_is_asked_while_it_waits();
    a_claim_that_asks();
    a_log();
    a_text_with_a_nul();
    many_threads();
    claude::shutdown();
    const std::string left = claude::runtime_stats();
    for (const char* kind :
         {"clients", "spares", "errors", "strings", "events", "requests", "mcp_servers", "tool_calls", "session_stores",
          "store_calls", "threads", "children"})
        EXPECT(claude::get(left, std::string("/") + kind) == "0");
    std::puts("every exception came out");
}
