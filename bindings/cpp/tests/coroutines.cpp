// C++20: two conversations and a cancellation on one thread. Compiles with exceptions and without.
#include <claude_client.hpp>

#include <cstdio>
#if CLAUDE_CXX_EXCEPTIONS
#include <stdexcept>
#endif

static claude::task<std::string> question(claude::client& client, std::string prompt) {
    claude::answer answer = co_await client.ask_async(prompt);
    std::string said;
    while (claude::event event = co_await answer.next_async())
        if (event.kind() == CLAUDE_MESSAGE_ASSISTANT) said += event.text();
    co_return said;
}

static claude::task<> conversation(claude::client& client) {
    (co_await client.connect_async()).value();
    std::printf("%s\n", (co_await question(client, "one")).value().c_str());
    {
        claude::answer left = co_await client.ask_async("left");
        claude::event first = co_await left.next_async();
        std::printf("%s\n", first ? "left" : "nothing to leave");
    }
    std::printf("%s\n", (co_await question(client, "two")).value().c_str());
    // gcc 12 takes no initializer list inside of a co_await.
    const claude::value status = claude::object({{"subtype", "mcp_status"}}),
                        unknown = claude::object({{"subtype", "no_such_request"}});
    const std::string reply = co_await client.control_async(status);
    std::printf("%s\n", claude::get(reply, "/mcpServers").value_or("no servers").c_str());
#if CLAUDE_CXX_EXCEPTIONS
    try {
        co_await client.control_async(unknown);
    } catch (const claude::error& error) {
        std::printf("%s\n", error.name());
    }
    throw std::runtime_error("out of the coroutine");
#else
    const auto refused = co_await client.control_async(unknown);
    std::printf("%s\n", claude_status_name(refused.status()));
#endif
}

/** A coroutine that is dropped while it waits leaves nothing behind. */
static claude::task<> waits_for_ever(claude::client& client) {
    for (;;) static_cast<void>(co_await client.next_async());
}

/** The client comes out of the spare's loop. */
static claude::task<claude::client> claimed(claude::spare& spare) {
    co_return co_await spare.claim_async(claude::value::raw("{\"cwd\": \"/\"}"));
}

static int spares() {
    auto made = claude::client::create();
    if (!made) return 1;
    auto spare = claude::spare::create(std::move(*made));
    if (!spare) return 1;
    auto client = spare->run(claimed(*spare));
    if (!client) return 1;
    std::printf("%s\n", client->run(question(*client, "of a spare")).value().c_str());
#if CLAUDE_CXX_EXCEPTIONS
    try {
        spare->run(claimed(*spare));
    } catch (const claude::error& error) {
        std::printf("%s\n", error.name());
    }
#else
    std::printf("%s\n", spare->run(claimed(*spare)).error().name());
#endif
    auto parked = claude::client::create();
    if (!parked) return 1;
    auto other = claude::spare::create(std::move(*parked));
    if (!other) return 1;
    auto dropped = claimed(*other);
    dropped.start(); // with the client in it
    return 0;
}

int main() {
    auto made = claude::client::create();
    if (!made) return 1;
    claude::client client = std::move(*made);
#if CLAUDE_CXX_EXCEPTIONS
    try {
        client.run(conversation(client));
    } catch (const std::runtime_error& error) {
        std::printf("%s\n", error.what());
    }
#else
    if (!client.run(conversation(client))) return 1;
    std::printf("out of the coroutine\n");
#endif
    {
        auto dropped = waits_for_ever(client);
        dropped.start();
    }
    static_cast<void>(client.disconnect());
    return spares();
}
