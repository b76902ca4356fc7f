// A small agent in a terminal: streamed text, a tool of its own, permissions that the user grants, an interrupt, errors.
#include <claude_client.hpp>

#include <iostream>

using claude::list;
using claude::object;

static void show(const claude::event& event) {
    switch (event.kind()) {
    case CLAUDE_EVENT_TEXT_DELTA: std::cout << event.text() << std::flush; break;
    case CLAUDE_MESSAGE_RESULT: std::cout << "\n[turn ended: " << event.get("/subtype").value_or("?") << "]\n"; break;
    case CLAUDE_EVENT_WARNING: std::cerr << "warning: " << event.get("/text").value_or("") << '\n'; break;
    default: break;
    }
}

int main() try {
    claude::client client(claude::options().system_prompt("You are \"Müller\".\nBe brief.").text_deltas().allowed_tools({"mcp__me"}));
    client.tool("me", "greet", "Greets somebody by name.",
                object({{"type", "object"}, {"properties", object({{"name", object({{"type", "string"}})}})}, {"required", list({"name"})}}),
                [](claude::tool_call& call) { return "Good day, " + call.get("/name").value_or("stranger") + "!"; });
    client.on_permission([](claude::request asked) {
        std::cout << "\nMay it use " << asked.tool_name() << " with " << asked.input() << "? [y/N] " << std::flush;
        std::string answer;
        if (std::getline(std::cin, answer) && answer == "y") asked.allow();
        else asked.deny("The user said no.");
    });
    client.connect();
    for (const char* prompt : {"SLOW 8 50", R"(USE_TOOL {"name": "mcp__me__greet", "input": {"name": "Ann"}})",
                               R"(USE_TOOL {"name": "Write", "input": {"file_path": "w.txt", "content": "hi"}})"})
        for (auto& event : client.ask(prompt)) show(event);
    int pieces = 0;
    for (auto& event : client.ask("SLOW 200 50")) {
        show(event);
        if (event.kind() == CLAUDE_EVENT_TEXT_DELTA && ++pieces == 20) client.interrupt();
    }
    std::cout << "context: " << claude::get(client.get_context_usage().value(), "/maxTokens").value_or("?") << '\n';
} catch (const claude::error& error) {
    std::cerr << error.name() << ": " << error.what() << '\n';
    return 1;
}
