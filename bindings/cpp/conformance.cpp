// Holds the conversation of one case of ../conformance and prints what happened: conformance CASE.json
#include "store.hpp"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <thread>

namespace {

using claude::value;
using std::chrono::milliseconds;

std::mutex printing;

void line(const std::string& text) {
    const std::lock_guard<std::mutex> lock(printing);
    std::cout << text << std::endl;
}

std::string trimmed(std::string text) {
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
}

struct failed : std::exception {
    const char* what() const noexcept override { return "the handler failed"; }
};

/** A part of the case: a JSON document and a place in it. */
class part {
  public:
    part(std::shared_ptr<const std::string> json, std::string place)
        : json_(std::move(json)), place_(std::move(place)) {}
    part operator[](const std::string& name) const { return {json_, place_ + '/' + name}; }
    std::optional<std::string> find() const { return claude::get(*json_, place_); }
    explicit operator bool() const { return find().has_value(); }
    std::string text() const { return find().value_or(""); }
    value json() const { return value::raw(find().value_or("{}")); }
    int number() const { return std::atoi(text().c_str()); }
    milliseconds time() const { return *this ? milliseconds(number()) : claude::forever; }
    std::size_t size() const { return claude::count(*json_, place_); }
    part at(std::size_t index) const { return (*this)[std::to_string(index)]; }
    std::string name_at(std::size_t index) const { return claude::key(*json_, place_, index).value_or(""); }

  private:
    std::shared_ptr<const std::string> json_;
    std::string place_;
};

/** The store of a case: the functions of another one, on other threads or not at all. */
class staged_store {
  public:
    explicit staged_store(const part& how) : how_(how["do"].text()), after_(how["after_ms"].time()) {}
    ~staged_store() {
        for (auto& thread : threads_) thread.join();
    }

    claude::session_store make() {
        if (how_ == "memory") return claude::session_store::create_memory();
        const claude::store_functions inner = memory_store::functions();
        claude::store_functions all;
        all.append = [this, inner](claude::store_call call, std::string_view entries) {
            run([inner, call, kept = std::string(entries)] { inner.append(call, kept); });
        };
        all.load = staged(inner.load);
        all.list = staged(inner.list);
        all.summaries = staged(inner.summaries);
        all.remove = staged(inner.remove);
        all.list_subkeys = staged(inner.list_subkeys);
        return claude::session_store(std::move(all));
    }

  private:
    std::function<void(claude::store_call)> staged(const std::function<void(claude::store_call)>& function) {
        return [this, function](claude::store_call call) { run([function, call] { function(call); }); };
    }

    void run(std::function<void()> work) {
        if (how_ == "throw") throw failed();
        if (how_ == "keep") return work();
        const std::lock_guard<std::mutex> lock(mutex_);
        threads_.emplace_back([after = after_, work = std::move(work)] {
            std::this_thread::sleep_for(after);
            work();
        });
    }

    std::string how_;
    milliseconds after_;
    std::mutex mutex_;
    std::vector<std::thread> threads_;
};

/** Answers like a CLI, in the same process. */
class far_side : public claude::transport {
  public:
    explicit far_side(part how) : how_(std::move(how)) {}
    claude_status_t connect(claude::sink to) override {
        sink_ = to;
        return how_["do"].text() == "refuse" ? CLAUDE_ERR_PROCESS : CLAUDE_OK;
    }
    claude_status_t write(std::string_view line) override {
        if (claude::get(line, "/type") == "user") {
            const claude::value said =
                claude::list({claude::object({{"type", "text"}, {"text", how_["answer"].text()}})});
            say(claude::object(
                {{"type", "assistant"}, {"message", claude::object({{"role", "assistant"}, {"content", said}})}}));
            say(claude::object({{"type", "result"}, {"subtype", "success"}, {"is_error", false}, {"result", "done"}}));
        } else {
            const claude::value id(claude::get(line, "/request_id").value_or(""));
            say(claude::object({{"type", "control_response"},
                                {"response", claude::object({{"subtype", "success"},
                                                             {"request_id", id},
                                                             {"response", claude::object({})}})}}));
        }
        return CLAUDE_OK;
    }
    claude_status_t end_input() override {
        sink_->end(CLAUDE_OK, 0);
        return CLAUDE_OK;
    }
    claude_status_t close() override { return CLAUDE_OK; }

  private:
    void say(const claude::value& frame) { sink_->push(frame.json() + '\n'); }
    part how_;
    std::optional<claude::sink> sink_;
};

class conversation {
  public:
    explicit conversation(part all) : all_(std::move(all)) {}
    ~conversation() {
        if (later_.joinable()) later_.join();
        spare_.reset();
        client_.reset();
        store_.reset();
        if (staged_) claude::shutdown(); // then nothing is in its functions any more
    }

    void run() {
        const part steps = all_["steps"];
        for (std::size_t i = 0; i < steps.size(); ++i) {
            try {
                step(steps.at(i));
            } catch (const claude::error& error) {
                tell(error);
            } catch (const failed& error) {
                line(std::string("caught ") + error.what());
            }
        }
    }

  private:
    void step(const part& step) {
        if (step["create"]) {
            create(step["create"]);
        } else if (step["clients"]) {
            many(static_cast<std::size_t>(step["clients"].number()), step["ask"].text());
        } else if (step["connect"]) {
            client().connect();
            line("connected");
        } else if (step["disconnect"]) {
            client().disconnect();
            line("disconnected");
        } else if (step["ask"]) {
            ask(step);
        } else if (step["query"]) {
            client().query(step["query"].text());
        } else if (step["sleep"]) {
            std::this_thread::sleep_for(step["sleep"].time());
        } else if (step["interrupt"]) {
            client().interrupt();
            line("interrupted");
        } else if (step["read"]) {
            read();
        } else if (step["control"]) {
            client().control(step["control"].json(), time_of(step));
        } else if (step["session"]) {
            session(step);
        } else if (step["store"]) {
            store(step);
        } else if (step["spare"]) {
            spare(step["spare"].text());
        } else if (step["claim"]) {
            claim(step);
        } else if (step["log"]) {
            log(step["log"].text());
        } else if (step["exit"]) {
            std::exit(step["exit"].number());
        }
    }

    claude::client& client() {
        if (!client_) create(all_["options"]);
        return *client_;
    }

    void create(const part& given) {
        client_.reset();
        claude::options options;
        for (std::size_t i = 0; i < given.size(); ++i) options.set(given.name_at(i), as_json(given[given.name_at(i)]));
        client_ = std::make_unique<claude::client>(options);
        if (all_["store"]) client_->set_session_store(store());
        if (const part how = all_["transport"]) client_->set_transport(std::make_shared<far_side>(how));
        if (const part permission = all_["permission"])
            client_->on_permission([this, permission](claude::request asked) { decide(permission, std::move(asked)); });
        if (const part hook = all_["hook"])
            client_->hook(hook["event"].text(), hook["matcher"].text(), [hook](claude::request asked) {
                line("hook " + asked.get("/input/tool_name").value_or(""));
                asked.respond(hook["response"].json());
            });
        if (const part tool = all_["tool"])
            client_->tool(tool["server"].text(), tool["name"].text(), tool["description"].text(), tool["schema"].json(),
                          [tool](claude::tool_call& call) -> std::string {
                              const std::string name = call.get("/name").value_or("");
                              line("tool greet " + name);
                              if (tool["do"].text() == "throw") throw failed();
                              return "Hello, " + name + "!";
                          });
    }

    // A text loses its quotes when it is read.
    static value as_json(const part& given) {
        const std::string text = given.text();
        const bool json = text == "true" || text == "false" ||
                          (!text.empty() && std::string("{[-0123456789").find(text[0]) != std::string::npos);
        return json ? value::raw(text) : value(text);
    }

    void decide(const part& how, claude::request asked) {
        line("permission " + asked.tool_name());
        const std::string what = how["do"].text();
        if (what == "throw") throw failed();
        if (what == "deny") {
            asked.deny(how["message"].text());
        } else if (what == "allow") {
            asked.allow(how["input"].json());
        } else {
            later_ = std::thread([how, kept = std::move(asked)]() mutable {
                std::this_thread::sleep_for(how["after_ms"].time());
                line("answered later");
                kept.allow(how["input"].json());
            });
        }
    }

    void ask(const part& step) {
        const int leave_after = step["leave_after"].number(), interrupt_after = step["interrupt_after"].number();
        if (step["leave_after"].text() == "0") {
            const claude::answer left = client().ask(step["ask"].text());
            line("left");
            return;
        }
        int seen = 0;
        for (auto& event : client().ask(step["ask"].text(), step["within_ms"].time())) {
            if (!show(event, static_cast<bool>(step["quiet"]))) continue;
            ++seen;
            if (seen == leave_after) {
                line("left");
                break;
            }
            if (seen == interrupt_after) {
                client().interrupt();
                line("interrupted");
            }
        }
    }

    /** Whether it is a part of the answer. */
    static bool show(const claude::event& event, bool quiet) {
        const std::string text = event.text();
        switch (event.kind()) {
        case CLAUDE_EVENT_TEXT_DELTA:
            if (!quiet) line("delta " + text);
            return true;
        case CLAUDE_MESSAGE_ASSISTANT:
            if (text.empty()) return false;
            line(text.size() < 1000000 ? "assistant " + text
                                       : "assistant of " + std::to_string((text.size() + 500000) / 1000000) + " MB");
            return true;
        case CLAUDE_MESSAGE_RESULT: line("result " + event.get("/subtype").value_or("")); return false;
        default: return false;
        }
    }

    void read() {
        int messages = 0;
        while (claude::event event = client().next()) {
            if (event.kind() == CLAUDE_MESSAGE_RESULT) break;
            if (event.kind() == CLAUDE_MESSAGE_ASSISTANT) ++messages;
        }
        line("read " + std::to_string(messages) + " messages");
    }

    void spare(const std::string& what) {
        spare_.reset();
        if (what == "free") {
            line("freed");
            return;
        }
        create(all_["options"]);
        spare_.emplace(std::move(*client_));
        client_.reset();
        spare_->wait();
        line("parked");
    }

    void claim(const part& step) {
        const std::string prompt = step["prompt"].text();
        client_ = std::make_unique<claude::client>(spare_->claim(step["claim"].json(), prompt, time_of(step)));
        line("claimed");
        if (prompt.empty()) return;
        for (bool over = false; !over;) {
            const claude::event event = client_->next().value();
            show(event, false);
            over = event.kind() == CLAUDE_MESSAGE_RESULT;
        }
    }

    static milliseconds time_of(const part& step) {
        return step["within_ms"] ? step["within_ms"].time() : milliseconds(30000);
    }

    void many(std::size_t number, const std::string& prompt) {
        std::vector<std::unique_ptr<claude::client>> clients;
        for (std::size_t i = 0; i < number; ++i) {
            clients.push_back(std::make_unique<claude::client>());
            clients.back()->connect();
        }
        int answers = 0;
        for (auto& each : clients)
            if (each->ask(prompt).text().value() == prompt) ++answers;
        line(std::to_string(number) + " clients, " + std::to_string(answers) + " answers");
    }

    void session(const part& step) {
        const std::string what = step["session"].text(), id = step["id"].text();
        if (what == "list") {
            list_sessions(claude::session::list(), "session ");
        } else if (what == "info") {
            line(claude::session::info(id));
        } else if (what == "messages" && step["agent"]) {
            claude::session::subagent_messages(id, step["agent"].text(), said);
        } else if (what == "messages") {
            claude::session::messages(id, said);
        } else if (what == "subagents") {
            const std::string list = claude::session::subagents(id);
            for (std::size_t i = 0; i < claude::count(list); ++i)
                line("subagent " + claude::get(list, "/" + std::to_string(i) + "/agent_id").value_or(""));
        } else if (what == "rename") {
            claude::session::rename(id, step["title"].text());
            line("renamed");
        } else if (what == "tag") {
            claude::session::tag(id, step["tag"].text());
            line("tagged");
        } else if (what == "archive") {
            claude::session::archive(id, true);
            line("archived");
        } else if (what == "fork") {
            claude::session::fork(id);
            line("copied");
        } else if (what == "delete") {
            claude::session::remove(id);
            line("deleted");
        } else if (what == "key") {
            line("key " + claude::session::project_key(step["directory"].text()).value());
        }
    }

    static void said(claude_message_kind_t kind, std::string_view json) {
        char* text = nullptr;
        if (claude_message_text(std::string(json).c_str(), &text, nullptr) == CLAUDE_OK)
            line((kind == CLAUDE_MESSAGE_USER ? "user " : "assistant ") + std::string(text));
        claude_string_free(text);
    }

    static void list_sessions(const std::string& list, const std::string& word) {
        for (std::size_t i = 0; i < claude::count(list); ++i) {
            const std::string row = "/" + std::to_string(i);
            const auto tag = claude::get(list, row + "/tag");
            line(word + claude::get(list, row + "/summary").value_or("") + (tag ? " tag " + *tag : "") +
                 (claude::get(list, row + "/archived") == "true" ? " archived" : ""));
        }
    }

    /** The store of the case, for all of its clients. */
    const claude::session_store& store() {
        if (!store_) store_ = staged_.emplace(all_["store"]).make();
        return *store_;
    }

    void store(const part& step) {
        const std::string what = step["store"].text();
        const claude::value options = step["directory"] ? claude::object({{"directory", step["directory"].text()}})
                                                        : claude::object({});
        if (what == "check") {
            const std::string report = store().check();
            const auto number = [&](const char* name) { return claude::get(report, name).value_or(""); };
            line("checked: " + number("/passed") + " passed, " + number("/failed") + " failed, " + number("/skipped") +
                 " skipped");
        } else if (what == "list") {
            list_sessions(store().list(options), "stored ");
        } else if (what == "import") {
            const std::string result = store().import_session(step["id"].text());
            line("imported " + claude::get(result, "/entries").value_or(""));
        }
    }

    void log(const std::string& level) {
        if (level == "off") {
            claude::on_log(CLAUDE_LOG_OFF, [](claude_log_level_t, std::string_view) {});
            line(logged_ > 0 ? "logged" : "no log");
        } else {
            claude::on_log(CLAUDE_LOG_DEBUG, [this](claude_log_level_t, std::string_view) { ++logged_; });
        }
    }

    void tell(const claude::error& error) {
        if (error.status() == CLAUDE_ERR_TIMEOUT) {
            line("cancelled");
            return;
        }
        std::string text = std::string("error ") + error.name();
        const part fields = all_["fields"];
        for (std::size_t i = 0; i < fields.size(); ++i)
            if (const auto found = error.get("/" + fields.at(i).text()))
                text += " " + fields.at(i).text() + "=" + trimmed(*found);
        line(text);
    }

    part all_;
    std::optional<staged_store> staged_;
    std::optional<claude::session_store> store_;
    std::unique_ptr<claude::client> client_;
    std::optional<claude::spare> spare_;
    std::thread later_;
    std::atomic<int> logged_{0};
};

} // namespace

int main(int, char** arguments) {
    std::ifstream file(arguments[1], std::ios::binary);
    std::string json((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    conversation(part(std::make_shared<const std::string>(std::move(json)), "")).run();
    return 0;
}
