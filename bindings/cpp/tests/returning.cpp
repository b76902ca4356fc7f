// With -fno-exceptions -fno-rtti: failures are values. Prints what the test expects.
#include <claude_client.hpp>

#include <cstdio>

static int fail(const claude::error& error) {
    std::printf("%s: %s\n", error.name(), error.what());
    return 1;
}

int main() {
    const auto refused = claude::client::create(claude::options().set("max_turn", 3));
    std::printf("%s\n", claude_status_name(refused.status()));

    auto made = claude::client::create();
    if (!made) return fail(made.error());
    claude::client client = std::move(*made);
    const auto early = client.query("too early");
    std::printf("%s\n", early.error().name());
    if (const auto connected = client.connect(); !connected) return fail(connected.error());

    auto answer = client.ask("Hello!");
    for (auto& event : answer)
        if (event.kind() == CLAUDE_MESSAGE_ASSISTANT) std::printf("%s\n", event.text().c_str());
    if (answer.failure()) return fail(*answer.failure());

    auto again = client.ask("And again?").text();
    if (!again) return fail(again.error());
    std::printf("%s\n", again->c_str());

    auto first = client.ask("one");
    auto second = client.ask("two"); // one at a time
    std::printf("%s\n", second.failure() ? second.failure()->name() : "two answers at once");
    first.leave();

    claude::store_functions functions;
    functions.append = [](claude::store_call call, std::string_view) { static_cast<void>(call.respond()); };
    functions.load = [](claude::store_call call) {
        static_cast<void>(call.fail("elsewhere", CLAUDE_ERR_SESSION_IN_USE));
    };
    functions.list = functions.load;
    auto store = claude::session_store::create(functions);
    if (!store) return fail(store.error());
    std::printf("%s\n", store->list().error().name());
    const auto changed = client.set_session_store(*store);
    std::printf("%s\n", changed ? "a store behind the connect" : changed.error().name());
    functions.load = nullptr;
    const auto incomplete = claude::session_store::create(functions);
    std::printf("%s\n", incomplete ? "a store without load" : incomplete.error().name());

    auto spare = claude::spare::create(std::move(client));
    std::printf("%s\n", spare ? "a spare of a session" : spare.error().name());
    auto parked = claude::spare::create(claude::client::create().value());
    if (!parked) return fail(parked.error());
    if (const auto waits = parked->wait(); !waits) return fail(waits.error());
    std::printf("%s\n", parked->claim(claude::object({{"max_turn", 3}})).error().name());
    auto claimed = parked->claim(claude::object({{"cwd", "/"}}));
    if (!claimed) return fail(claimed.error());
    std::printf("%s\n", parked->claim().error().name());
    auto said = claimed->ask("Claimed?").text();
    std::printf("%s\n", said ? said->c_str() : said.error().name());

    if (const auto ended = client.disconnect(); !ended) return fail(ended.error());
    auto late = client.ask("too late");
    for (auto& event : late) std::printf("%s\n", event.text().c_str());
    std::printf("%s\n", late.failure() ? late.failure()->name() : "an answer behind the end");
    return 0;
}
