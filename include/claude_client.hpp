/** @file claude_client.hpp
 * claude_client.h for C++17 and later: one header, no dependency. See docs/cpp.md.
 * Put together from bindings/cpp/header by bindings/generate; do not edit.
 *
 *     #include <claude_client.hpp>
 *     #include <iostream>
 *
 *     int main() {
 *         claude::client client(claude::options().system_prompt("Be brief."));
 *         client.connect();
 *         for (auto& event : client.ask("What is the capital of France?"))
 *             if (event.kind() == CLAUDE_MESSAGE_ASSISTANT) std::cout << event.text() << '\n';
 *     }
 *
 * Functions of yours (permissions, tools, hooks) run on the thread that waits in the client: in `next`, in the loop
 * over an answer, in a control function, in `pump` or `run`. The library itself calls no C++, so an exception of such a
 * function simply comes out of that wait; what it was asked is refused. Any function may be called from any thread.
 *
 * Failures are thrown as claude::error. With -fno-exceptions they are values: look at the claude::result that a
 * function returns, and at claude::answer::failure() behind its loop.
 */

#ifndef CLAUDE_CLIENT_HPP
#define CLAUDE_CLIENT_HPP

#include <claude_client.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <exception>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <locale>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#if defined(__cpp_exceptions) || defined(_CPPUNWIND)
#define CLAUDE_CXX_EXCEPTIONS 1
#define CLAUDE_CXX_RESULT
#define CLAUDE_CXX_NAMESPACE throwing
#else
#define CLAUDE_CXX_EXCEPTIONS 0
#define CLAUDE_CXX_RESULT [[nodiscard]]
#define CLAUDE_CXX_NAMESPACE returning
#endif

#if defined(__cpp_impl_coroutine) && defined(__has_include)
#if __has_include(<coroutine>)
#include <coroutine>
#define CLAUDE_CXX_COROUTINES 1
#endif
#endif
#ifndef CLAUDE_CXX_COROUTINES
#define CLAUDE_CXX_COROUTINES 0
#endif

namespace claude {
// Files with and without exceptions may be parts of one program.
inline namespace CLAUDE_CXX_NAMESPACE {

using milliseconds = std::chrono::milliseconds;
/** As a time: without a limit. */
inline constexpr milliseconds forever = milliseconds::max();

// ---- JSON -----------------------------------------------------------------------------------------------------------

/** A text as a JSON string, with its quotes. */
inline std::string quote(std::string_view text) {
    static const char digits[] = "0123456789abcdef";
    std::string json = "\"";
    for (const char each : text) {
        const auto code = static_cast<unsigned char>(each);
        if (each == '"' || each == '\\') {
            json += '\\';
            json += each;
        } else if (code < 0x20) {
            json += "\\u00";
            json += digits[code >> 4];
            json += digits[code & 15];
        } else {
            json += each;
        }
    }
    return json += '"';
}

/** A JSON value that is being made: `value("text")`, `value(3)`, claude::object, claude::list. */
class value {
  public:
    value(std::nullptr_t = nullptr) : json_("null") {}
    value(const char* text) : json_(quote(text)) {}
    value(std::string_view text) : json_(quote(text)) {}
    value(const std::string& text) : json_(quote(text)) {}
    template <class Number, class = std::enable_if_t<std::is_arithmetic_v<Number>>> value(Number number) {
        std::ostringstream text;
        text.imbue(std::locale::classic());
        if constexpr (std::is_same_v<Number, bool>) {
            text << (number ? "true" : "false");
        } else if constexpr (std::is_floating_point_v<Number>) {
            text.precision(17);
            if (number - number == 0) text << number; // neither infinite nor no number: JSON has no such
            else text << "null";
        } else {
            text << +number;
        }
        json_ = text.str();
    }
    /** Text that is JSON already. */
    static value raw(std::string_view json) {
        value made;
        made.json_.assign(json);
        return made;
    }
    const std::string& json() const noexcept { return json_; }

  private:
    std::string json_;
};

/** A JSON object: `object({{"type", "object"}, {"required", list({"name"})}})`. */
inline value object(std::initializer_list<std::pair<std::string_view, value>> members) {
    std::string json = "{";
    for (const auto& [name, member] : members) json += (json.size() > 1 ? "," : "") + quote(name) + ':' + member.json();
    return value::raw(json += '}');
}

/** A JSON list. */
inline value list(std::initializer_list<value> elements) {
    std::string json = "[";
    for (const auto& element : elements) json += (json.size() > 1 ? "," : "") + element.json();
    return value::raw(json += ']');
}

namespace detail {
template <class Handle, void (*Free)(Handle*)> struct deleter {
    void operator()(Handle* handle) const noexcept { Free(handle); }
};
using owned_text = std::unique_ptr<char, deleter<char, claude_string_free>>;
using owned_error = std::unique_ptr<claude_error_t, deleter<claude_error_t, claude_error_free>>;

/** A text with a NUL behind it. One inside would cut it short: in its place stands a byte that is no UTF-8, so that the
 *  library refuses the text and names the place. */
class c_text {
  public:
    c_text(std::string_view text) : text_(text) {
        if (const auto at = text_.find('\0'); at != std::string::npos) text_[at] = '\xff';
    }
    operator const char*() const noexcept { return text_.c_str(); }
    /** NULL for an empty text. */
    const char* or_null() const noexcept { return text_.empty() ? nullptr : text_.c_str(); }

  private:
    std::string text_;
};
} // namespace detail

/** The value at an RFC 6901 pointer: a string without quotes and escapes, anything else as JSON. */
inline std::optional<std::string> get(std::string_view json, std::string_view pointer) {
    char* found = nullptr;
    if (claude_json_get(detail::c_text(json), detail::c_text(pointer), &found, nullptr) != CLAUDE_OK)
        return std::nullopt;
    return std::string(detail::owned_text(found).get());
}

/** How many elements the list, or members the object, at a pointer has; 0 where there is neither. */
inline std::size_t count(std::string_view json, std::string_view pointer = "") {
    std::size_t found = 0;
    return claude_json_count(detail::c_text(json), detail::c_text(pointer), &found, nullptr) == CLAUDE_OK ? found : 0;
}

/** The name of a member by its index. */
inline std::optional<std::string> key(std::string_view json, std::string_view pointer, std::size_t index) {
    char* found = nullptr;
    if (claude_json_key(detail::c_text(json), detail::c_text(pointer), index, &found, nullptr) != CLAUDE_OK)
        return std::nullopt;
    return std::string(detail::owned_text(found).get());
}

/** The options of docs/options.md. `set` takes every one; those used most have a function. */
class options {
  public:
    options& set(std::string_view name, const value& option) {
        members_.insert_or_assign(std::string(name), option.json());
        return *this;
    }
    options& system_prompt(std::string_view text) { return set("system_prompt", text); }
    options& model(std::string_view name) { return set("model", name); }
    options& cwd(std::string_view folder) { return set("cwd", folder); }
    options& cli_path(std::string_view path) { return set("cli_path", path); }
    options& permission_mode(std::string_view mode) { return set("permission_mode", mode); }
    options& allowed_tools(std::initializer_list<value> names) { return set("allowed_tools", list(names)); }
    options& disallowed_tools(std::initializer_list<value> names) { return set("disallowed_tools", list(names)); }
    options& max_turns(int turns) { return set("max_turns", turns); }
    options& resume(std::string_view session_id) { return set("resume", session_id); }
    options& text_deltas(bool on = true) { return set("text_deltas", on); }
    options& env(std::initializer_list<std::pair<std::string_view, value>> variables) {
        return set("env", object(variables));
    }
    /** Plays a recorded session in place of a CLI; `record` makes one. */
    options& replay(std::string_view path) { return set("replay", path); }
    options& record(std::string_view path) { return set("record", path); }
    std::string json() const {
        std::string json = "{";
        for (const auto& [name, member] : members_) json += (json.size() > 1 ? "," : "") + quote(name) + ':' + member;
        return json += '}';
    }

  private:
    std::map<std::string, std::string> members_;
};

// ---- Failures -------------------------------------------------------------------------------------------------------

/** A failure, with the document of docs/errors.md. */
class error : public std::exception {
  public:
    error(claude_status_t status, std::string json) : status_(status), json_(std::move(json)) {
        message_ = get("/message").value_or(name());
    }
    claude_status_t status() const noexcept { return status_; }
    const char* name() const noexcept { return claude_status_name(status_); }
    /** What went wrong and what to do about it, in one line. */
    const char* what() const noexcept override { return message_.c_str(); }
    const std::string& message() const noexcept { return message_; }
    const std::string& json() const noexcept { return json_; }
    std::optional<std::string> get(std::string_view pointer) const { return claude::get(json_, pointer); }
    std::string remedy() const { return get("/remedy").value_or(""); }
    std::string stderr_tail() const { return get("/stderr").value_or(""); }
    std::optional<int> exit_code() const {
        const auto code = get("/exit_code");
        return code && *code != "null" ? std::optional<int>(std::atoi(code->c_str())) : std::nullopt;
    }

  private:
    claude_status_t status_;
    std::string json_, message_;
};

/** What a function returns: its value, or with -fno-exceptions the failure. */
template <class T> class CLAUDE_CXX_RESULT result {
  public:
    result(T value) : held_(std::in_place_index<0>, std::move(value)) {}
    result(claude::error failure) : held_(std::in_place_index<1>, std::move(failure)) {}
    explicit operator bool() const noexcept { return held_.index() == 0; }
    claude_status_t status() const noexcept { return *this ? CLAUDE_OK : error().status(); }
    /** Only where there is one. */
    const claude::error& error() const noexcept { return *std::get_if<1>(&held_); }
    /** The value. Where there is none it throws the failure, or aborts. */
    T& value() & {
        require();
        return *std::get_if<0>(&held_);
    }
    T&& value() && { return std::move(value()); }
    T& operator*() & { return value(); }
    T&& operator*() && { return std::move(value()); }
    T* operator->() { return &value(); }
    operator T() && { return std::move(value()); }

  private:
    void require() const {
        if (*this) return;
#if CLAUDE_CXX_EXCEPTIONS
        throw error();
#else
        std::abort();
#endif
    }
    std::variant<T, claude::error> held_;
};

template <> class CLAUDE_CXX_RESULT result<void> {
  public:
    result() = default;
    result(claude::error failure) : failure_(std::move(failure)) {}
    explicit operator bool() const noexcept { return !failure_; }
    claude_status_t status() const noexcept { return failure_ ? failure_->status() : CLAUDE_OK; }
    const claude::error& error() const noexcept { return *failure_; }
    /** For coroutines of either kind. Throws the failure, or aborts. */
    void value() const {
        if (!failure_) return;
#if CLAUDE_CXX_EXCEPTIONS
        throw *failure_;
#else
        std::abort();
#endif
    }

  private:
    std::optional<claude::error> failure_;
};

namespace detail {
[[nodiscard]] inline error failure(claude_status_t status, claude_error_t* owned) {
    const owned_error kept(owned);
    return error(status, owned != nullptr ? claude_error_json(owned) : "{}");
}

/** Throws, or returns the failure as a value. */
template <class T> result<T> fail(error failure) {
#if CLAUDE_CXX_EXCEPTIONS
    throw failure;
#else
    return result<T>(std::move(failure));
#endif
}

/** Calls a C function whose last parameter is the error. */
template <class Call> result<void> call(Call&& c_call) {
    claude_error_t* failed = nullptr;
    const claude_status_t status = c_call(&failed);
    if (status != CLAUDE_OK) return fail<void>(failure(status, failed));
    return {};
}

/** Calls a C function that gives a text. */
template <class Call> result<std::string> call_for_text(Call&& c_call) {
    claude_error_t* failed = nullptr;
    char* text = nullptr;
    const claude_status_t status = c_call(&text, &failed);
    const owned_text kept(text);
    if (status != CLAUDE_OK) return fail<std::string>(failure(status, failed));
    return std::string(text != nullptr ? text : "");
}

using clock = std::chrono::steady_clock;
using moment = std::optional<clock::time_point>;

/** When a time from now is over. */
inline moment ends_in(milliseconds time) {
    if (time >= std::chrono::hours(24 * 365)) return std::nullopt;
    return clock::now() + time;
}

/** The rest of a time as the C functions take it, rounded up. */
inline std::uint32_t left(const moment& end) {
    if (!end) return CLAUDE_WAIT_FOREVER;
    const auto now = clock::now();
    if (*end <= now) return CLAUDE_NO_WAIT;
    const auto rest = std::chrono::duration_cast<milliseconds>(*end - now).count() + 1;
    return rest < CLAUDE_WAIT_FOREVER ? static_cast<std::uint32_t>(rest) : CLAUDE_WAIT_FOREVER - 1;
}

inline std::uint32_t as_timeout(milliseconds time) { return left(ends_in(time)); }

template <class Object> std::string_view view(const char* (*getter)(const Object*, std::size_t*),
                                              const Object* object) {
    std::size_t length = 0;
    const char* text = getter(object, &length);
    return {text, length};
}

/** A std::function that takes move-only captures too. */
template <class Signature, class Function> std::function<Signature> function(Function&& given) {
    using held = std::decay_t<Function>;
    auto shared = std::make_shared<held>(std::forward<Function>(given));
    return [shared](auto&&... arguments) -> decltype(auto) {
        return (*shared)(std::forward<decltype(arguments)>(arguments)...);
    };
}
} // namespace detail

// ---- What the CLI asks ----------------------------------------------------------------------------------------------

/** A request of the CLI. Answer it now or later, on any thread; one that is dropped is refused. */
class request {
  public:
    explicit request(claude_request_t* owned) : handle_(owned) {}
    claude_request_t* native() const noexcept { return handle_.get(); }
    claude_request_kind_t kind() const noexcept { return claude_request_kind(native()); }
    claude_request_state_t state() const noexcept { return claude_request_state(native()); }
    std::uint64_t id() const noexcept { return claude_request_id(native()); }
    /** Whether an answer would be of no use. */
    bool is_cancelled() const noexcept { return claude_request_is_cancelled(native()); }
    std::string_view json() const noexcept {
        return detail::view(claude_request_json, static_cast<const claude_request_t*>(native()));
    }
    std::optional<std::string> get(std::string_view pointer) const { return claude::get(json(), pointer); }
    std::string tool_name() const { return get("/tool_name").value_or(""); }
    std::string input() const { return get("/input").value_or("{}"); }

    result<void> allow() {
        return detail::call([&](auto error) { return claude_request_allow(native(), nullptr, nullptr, error); });
    }
    /** Permission: the tool gets another input; `permissions` is a list of changes of the rules. */
    result<void> allow(const value& input, const std::optional<value>& permissions = std::nullopt) {
        return detail::call([&](auto error) {
            return claude_request_allow(native(), input.json().c_str(),
                                        permissions ? permissions->json().c_str() : nullptr, error);
        });
    }
    /** Permission: the model reads why; `interrupt` ends the turn as well. */
    result<void> deny(std::string_view why, bool interrupt = false) {
        return detail::call(
            [&](auto error) { return claude_request_deny(native(), detail::c_text(why), interrupt, error); });
    }
    result<void> answer_questions(const value& answers) {
        return detail::call(
            [&](auto error) { return claude_request_answer_questions(native(), answers.json().c_str(), error); });
    }
    /** The payload of a success response, such as `object({})` for a hook without an opinion. */
    result<void> respond(const value& response) {
        return detail::call(
            [&](auto error) { return claude_request_respond(native(), response.json().c_str(), error); });
    }
    result<void> fail(std::string_view message) {
        return detail::call([&](auto error) { return claude_request_fail(native(), detail::c_text(message), error); });
    }
    result<void> set_deadline(milliseconds time) {
        return detail::call([&](auto error) {
            return claude_request_set_deadline(native(), detail::as_timeout(time), nullptr, error);
        });
    }

  private:
    std::unique_ptr<claude_request_t, detail::deleter<claude_request_t, claude_request_free>> handle_;
};

/** One use of a tool of yours. Answer it now or later, on any thread; one that is dropped fails. */
class tool_call {
  public:
    explicit tool_call(claude_tool_call_t* owned) : handle_(owned) {}
    claude_tool_call_t* native() const noexcept { return handle_.get(); }
    std::uint64_t id() const noexcept { return claude_tool_call_id(native()); }
    std::string_view name() const noexcept { return detail::view(claude_tool_call_name, looked_at()); }
    std::string_view arguments() const noexcept { return detail::view(claude_tool_call_arguments, looked_at()); }
    std::string_view json() const noexcept { return detail::view(claude_tool_call_json, looked_at()); }
    /** An argument by its pointer, such as "/name". */
    std::optional<std::string> get(std::string_view pointer) const { return claude::get(arguments(), pointer); }
    /** Whether the answer is not wanted any more. */
    bool is_cancelled() const noexcept { return claude_tool_call_is_cancelled(native()); }

    result<void> progress(double done, double total = 0, std::string_view message = {}) {
        return detail::call([&](auto error) {
            return claude_tool_call_progress(native(), done, total, detail::c_text(message).or_null(), error);
        });
    }
    result<void> add_text(std::string_view text) {
        return detail::call(
            [&](auto error) { return claude_tool_call_add_text(native(), detail::c_text(text), error); });
    }
    result<void> add_image(const void* bytes, std::size_t length, std::string_view mime_type) {
        return detail::call([&](auto error) {
            return claude_tool_call_add_image(native(), bytes, length, detail::c_text(mime_type), error);
        });
    }
    result<void> add_block(const value& block) {
        return detail::call(
            [&](auto error) { return claude_tool_call_add_block(native(), block.json().c_str(), error); });
    }
    result<void> set_structured(const value& content) {
        return detail::call(
            [&](auto error) { return claude_tool_call_set_structured(native(), content.json().c_str(), error); });
    }
    result<void> set_meta(const value& meta) {
        return detail::call(
            [&](auto error) { return claude_tool_call_set_meta(native(), meta.json().c_str(), error); });
    }
    result<void> finish() {
        return detail::call([&](auto error) { return claude_tool_call_finish(native(), nullptr, error); });
    }
    result<void> finish(std::string_view text) {
        return detail::call([&](auto error) { return claude_tool_call_finish(native(), detail::c_text(text), error); });
    }
    /** The model reads what went wrong. */
    result<void> fail(std::string_view message) {
        return detail::call(
            [&](auto error) { return claude_tool_call_fail(native(), detail::c_text(message), error); });
    }

  private:
    const claude_tool_call_t* looked_at() const noexcept { return handle_.get(); }
    std::unique_ptr<claude_tool_call_t, detail::deleter<claude_tool_call_t, claude_tool_call_free>> handle_;
};

/** A message of the CLI, or an event of the library. Texts live as long as it does. */
class event {
  public:
    event() = default;
    explicit event(claude_event_t* owned) : handle_(owned) {
        info_.size = sizeof info_;
        claude_event_info(owned, &info_, nullptr);
    }
    /** False: nothing came in time, or the wait was ended by `wake`. */
    explicit operator bool() const noexcept { return handle_ != nullptr; }
    claude_event_t* native() const noexcept { return handle_.get(); }
    const claude_event_info_t& info() const noexcept { return info_; }
    claude_message_kind_t kind() const noexcept { return info_.kind; }
    /** As the CLI wrote it; plain text for CLAUDE_EVENT_TEXT_DELTA and CLAUDE_EVENT_STDERR. */
    std::string_view json() const noexcept {
        return info_.json != nullptr ? std::string_view(info_.json, info_.len) : "";
    }
    std::optional<std::string> get(std::string_view pointer) const { return claude::get(json(), pointer); }
    /** What a user reads of it; empty for messages without a text. */
    std::string text() const {
        if (kind() == CLAUDE_EVENT_TEXT_DELTA || kind() == CLAUDE_EVENT_STDERR) return std::string(json());
        char* text = nullptr;
        claude_error_t* failed = nullptr;
        const claude_status_t status = handle_ ? claude_message_text(info_.json, &text, &failed) : CLAUDE_ERR_NOT_FOUND;
        const detail::owned_text kept(text);
        const detail::owned_error reason(failed);
        if (status == CLAUDE_ERR_RESULT) return claude_error_message(failed);
        return status == CLAUDE_OK ? std::string(text) : std::string();
    }

  private:
    std::unique_ptr<claude_event_t, detail::deleter<claude_event_t, claude_event_free>> handle_;
    claude_event_info_t info_{};
};

// ---- Tools ----------------------------------------------------------------------------------------------------------

namespace detail {
using tool_function = std::function<void(tool_call)>;

/** The functions behind numbers; a number is the `user_data` of a tool. */
struct tool_table {
    std::mutex mutex;
    std::map<std::uintptr_t, tool_function> functions;
};

inline std::uintptr_t fresh_number() {
    static std::atomic<std::uintptr_t> last{0};
    return ++last;
}

inline void* as_user_data(std::uintptr_t number) { return reinterpret_cast<void*>(number); }
inline std::uintptr_t as_number(const void* user_data) { return reinterpret_cast<std::uintptr_t>(user_data); }

/** A function that returns the text of the answer, or one that owns the call and answers it when it likes. */
template <class Function> tool_function as_tool(Function&& given) {
    if constexpr (std::is_invocable_r_v<std::string, Function&, tool_call&>) {
        auto text_of = function<std::string(tool_call&)>(std::forward<Function>(given));
        return [text_of](tool_call call) {
#if CLAUDE_CXX_EXCEPTIONS
            try {
                call.finish(text_of(call));
            } catch (const std::exception& failed) {
                claude_tool_call_fail(call.native(), c_text(failed.what()), nullptr);
                throw;
            }
#else
            static_cast<void>(call.finish(text_of(call)));
#endif
        };
    } else {
        return function<void(tool_call)>(std::forward<Function>(given));
    }
}
} // namespace detail

/** Tools of yours, for one client or several. The model sees them as `mcp__<server>__<tool>`. */
class tool_server {
  public:
    static result<tool_server> create(std::string_view name, const value& options = object({})) {
        claude_mcp_server_t* made = nullptr;
        auto created = detail::call([&](auto error) {
            return claude_mcp_server_create(detail::c_text(name), options.json().c_str(), &made, error);
        });
        if (!created) return created.error();
        return tool_server(made);
    }
    claude_mcp_server_t* native() const noexcept { return handle_.get(); }

    /** `function` is `std::string(tool_call&)`, which returns the answer, or `void(tool_call)`, which owns the call. */
    template <class Function>
    result<void> tool(std::string_view name, std::string_view description, const value& input_schema,
                      Function&& function) {
        return describe(object({{"name", name}, {"description", description}, {"inputSchema", input_schema}}),
                        std::forward<Function>(function));
    }
    /** The same with the whole description of MCP: `annotations`, `max_concurrency` and so on. */
    template <class Function> result<void> describe(const value& tool, Function&& function) {
        const std::uintptr_t number = detail::fresh_number();
        {
            const std::lock_guard<std::mutex> lock(table_->mutex);
            table_->functions.emplace(number, detail::as_tool(std::forward<Function>(function)));
        }
        return detail::call([&](auto error) {
            return claude_mcp_server_add_tool(native(), tool.json().c_str(), nullptr, detail::as_user_data(number),
                                              nullptr, error);
        });
    }
    result<void> remove(std::string_view name) {
        return detail::call(
            [&](auto error) { return claude_mcp_server_remove_tool(native(), detail::c_text(name), error); });
    }

  private:
    friend class client;
    explicit tool_server(claude_mcp_server_t* owned) : handle_(owned), table_(std::make_shared<detail::tool_table>()) {}
    std::unique_ptr<claude_mcp_server_t, detail::deleter<claude_mcp_server_t, claude_mcp_server_free>> handle_;
    std::shared_ptr<detail::tool_table> table_;
};

// ---- Behind the client ----------------------------------------------------------------------------------------------

namespace detail {
#if CLAUDE_CXX_COROUTINES
using continuation = std::coroutine_handle<>;
#else
using continuation = void*; // there are none
#endif

/** Something that was begun and has an end. */
struct operation {
    bool over = false;
    claude_status_t status = CLAUDE_OK;
    std::string json;
    std::string withdraws{}; // a prompt that has no turn if this succeeds
    continuation waiting{};
};

/** A coroutine that waits for a message. */
struct reader {
    bool for_rest = false; // for the end of an answer that was left
    claude_status_t status = CLAUDE_OK;
    event got;
    continuation waiting{};
};

struct pulled {
    event got;
    continuation resumed{}; // of an operation that has ended
};

/** What the threads that use a client share. The client is in PULL mode; what is pulled goes to the functions of the
 *  host, to whoever waits for it, or to whoever reads. */
class core {
  public:
    explicit core(claude_client_t* client) : handle(client) {}

    claude_client_t* const handle;
    std::mutex mutex;
    std::mutex adding; // of servers
    std::function<void(request)> on_permission, on_request;
    std::function<void(std::uint64_t)> on_cancelled;
    std::function<void(event&)> on_message;
    std::map<std::uintptr_t, std::function<void(request)>> on_named; // hooks and MCP handlers
    std::vector<std::shared_ptr<tool_table>> tools;
    std::map<std::uintptr_t, std::shared_ptr<operation>> operations;
    std::deque<reader*> readers;
    std::deque<event> unread; // pulled for a reader that was gone then
    std::string abandoned;    // the prompt whose answer nobody reads any more
    bool answering = false;
    bool woken = false;
    std::exception_ptr thrown; // by a function that the library called

    /** Begins an operation: `begin` gets its user_data. */
    template <class Begin> result<std::shared_ptr<operation>> start(Begin&& begin) {
        const auto made = std::make_shared<operation>();
        const std::uintptr_t number = fresh_number();
        {
            const std::lock_guard<std::mutex> lock(mutex);
            operations.emplace(number, made);
        }
        claude_error_t* failed = nullptr;
        const claude_status_t status = begin(as_user_data(number), &failed);
        if (status == CLAUDE_OK) return made;
        {
            const std::lock_guard<std::mutex> lock(mutex);
            operations.erase(number);
        }
        return fail<std::shared_ptr<operation>>(failure(status, failed));
    }

    /** The end of an operation; meanwhile requests are answered, and messages stay where they are. */
    result<std::string> finish(const std::shared_ptr<operation>& begun, milliseconds time) {
        const moment end = ends_in(time);
        for (;;) {
            pulled one;
            claude_error_t* failed = nullptr;
            const claude_status_t status = pull(CLAUDE_LANE_REQUESTS, end, [&] { return begun->over; }, one, &failed);
            if (status != CLAUDE_OK) return fail<std::string>(failure(status, failed));
            handled(one);
            const std::lock_guard<std::mutex> lock(mutex);
            if (!begun->over) continue;
            if (begun->status == CLAUDE_OK) return begun->json;
            return fail<std::string>(error(begun->status, begun->json));
        }
    }

    /** The next event that is for the one who reads. Empty: the time is over, or `wake`. */
    result<event> next(const moment& end) {
        for (;;) {
            pulled one;
            claude_error_t* failed = nullptr;
            const claude_status_t status =
                pull(CLAUDE_LANE_ALL, end, [&] { return std::exchange(woken, false); }, one, &failed);
            if (status == CLAUDE_ERR_TIMEOUT) {
                claude_error_free(failed);
                return event();
            }
            if (status != CLAUDE_OK) return fail<event>(failure(status, failed));
            if (!one.got || (!handled(one) && !is_rest(one.got))) return std::move(one.got);
        }
    }

    /** Pulls one event of these lanes; none where `enough` holds. One thread at a time is in claude_client_next, and
     *  the others wait for it here, so that whoever gets an event can tell the one that it is for. */
    template <class Enough>
    claude_status_t pull(claude_lanes_t lanes, const moment& end, Enough enough, pulled& one, claude_error_t** failed) {
        std::unique_lock<std::mutex> lock(mutex);
        const int reads = (lanes & CLAUDE_LANE_MESSAGES) != 0 ? 1 : 0;
        reading_ += reads;
        claude_status_t status;
        for (;;) {
            status = CLAUDE_OK;
            if (thrown || enough()) break;
            if (reads != 0 && !unread.empty()) {
                one.got = std::move(unread.front());
                unread.pop_front();
                break;
            }
            if (pulling_ || (reads == 0 && reading_ > 0)) {
                // What that thread waits for is not enough: it returns, and this one takes its place.
                if (pulling_ && (lanes & ~pulled_lanes_) != 0) claude_client_wake(handle, nullptr);
                if (!end) changed_.wait(lock);
                else if (changed_.wait_until(lock, *end) == std::cv_status::timeout) {
                    status = CLAUDE_ERR_TIMEOUT;
                    break;
                }
                continue;
            }
            pulling_ = true;
            pulled_lanes_ = lanes;
            lock.unlock();
            claude_event_t* got = nullptr;
            status = claude_client_next(handle, lanes, left(end), &got, failed);
            lock.lock();
            pulling_ = false;
            changed_.notify_all();
            if (status == CLAUDE_OK) {
                one.got = event(got);
                settle(one);
            }
            if (status != CLAUDE_ERR_CANCELLED) break;
            claude_error_free(std::exchange(*failed, nullptr));
        }
        reading_ -= reads;
        changed_.notify_all();
#if CLAUDE_CXX_EXCEPTIONS
        if (thrown && !one.got) {
            claude_error_free(std::exchange(*failed, nullptr));
            std::rethrow_exception(std::exchange(thrown, nullptr));
        }
#endif
        return status;
    }

    /** Waits for the end of an answer that nobody reads any more. */
    result<void> drain(const moment& end) {
        for (;;) {
            {
                const std::lock_guard<std::mutex> lock(mutex);
                if (abandoned.empty()) return {};
            }
            pulled one;
            claude_error_t* failed = nullptr;
            const claude_status_t status = pull(CLAUDE_LANE_ALL, end, [] { return false; }, one, &failed);
            if (status != CLAUDE_OK) return fail<void>(failure(status, failed));
            if (!handled(one) && !is_rest(one.got)) put_back(std::move(one.got));
        }
    }

    /** Gives one event to whom it is for. CLAUDE_ERR_CANCELLED: `wake`. */
    claude_status_t pump_one(claude_lanes_t lanes, const moment& end) {
        pulled one;
        claude_error_t* failed = nullptr;
        const claude_status_t status = pull(lanes, end, [&] { return std::exchange(woken, false); }, one, &failed);
        const owned_error kept(failed);
        if (status == CLAUDE_ERR_CLOSED && (lanes & CLAUDE_LANE_MESSAGES) != 0)
            while (tell_reader(status, event(), false) || tell_reader(status, event(), true)) {}
        if (status != CLAUDE_OK) return status;
        if (!one.got) return CLAUDE_ERR_CANCELLED;
        if (handled(one) || is_rest(one.got)) {
            while (copy_of(abandoned).empty() && tell_reader(CLAUDE_OK, event(), true)) {}
            return CLAUDE_OK;
        }
        if (tell_reader(CLAUDE_OK, std::move(one.got), false)) return CLAUDE_OK;
        if (const auto function = copy_of(on_message)) function(one.got);
        else put_back(std::move(one.got));
        return CLAUDE_OK;
    }

    /** Gives all that has come to whom it is for, and waits up to `time` for the first of it. False: there will be no
     *  more. */
    template <class Lanes> bool pump(milliseconds time, std::chrono::microseconds budget, Lanes lanes) {
        const bool limited = budget < std::chrono::hours(24);
        const auto begun = clock::now();
        for (auto end = ends_in(time);; end = begun) {
            const auto status = pump_one(lanes(), end);
            if (status == CLAUDE_ERR_TIMEOUT || status == CLAUDE_ERR_CANCELLED) return true;
            if (status != CLAUDE_OK) return false;
            if (limited && clock::now() - begun >= budget) return true;
        }
    }

    void wake() {
        const std::lock_guard<std::mutex> lock(mutex);
        woken = true;
        claude_client_wake(handle, nullptr);
        changed_.notify_all();
    }

    /** Keeps an exception of a function that the library called, until a thread waits. */
    void keep(std::exception_ptr exception) {
        const std::lock_guard<std::mutex> lock(mutex);
        thrown = std::move(exception);
        claude_client_wake(handle, nullptr);
        changed_.notify_all();
    }

    /** Gives an event to the function that it is for. False: it is for the one who reads. */
    bool handled(pulled& one) {
        switch (one.got.kind()) {
        case CLAUDE_EVENT_DONE:
#if CLAUDE_CXX_COROUTINES
            if (one.resumed) one.resumed.resume();
#endif
            return true;
        case CLAUDE_EVENT_REQUEST: {
            claude_request_t* taken = nullptr;
            if (claude_event_take_request(one.got.native(), &taken, nullptr) != CLAUDE_OK) return true;
            request asked(taken); // refused when nobody has taken it
            if (const auto function = asked_function(one.got.info())) function(std::move(asked));
            return true;
        }
        case CLAUDE_EVENT_TOOL_CALL: {
            claude_tool_call_t* taken = nullptr;
            if (claude_event_take_tool_call(one.got.native(), &taken, nullptr) != CLAUDE_OK) return true;
            tool_call asked(taken);
            if (const auto function = tool_behind(as_number(one.got.info().user_data))) function(std::move(asked));
            return true;
        }
        case CLAUDE_EVENT_REQUEST_CANCELLED:
        case CLAUDE_EVENT_TOOL_CALL_CANCELLED:
            if (const auto function = copy_of(on_cancelled)) function(one.got.info().id);
            return true;
        default: return false;
        }
    }

    /** A function as it is now: another thread may replace it. */
    template <class Function> Function copy_of(const Function& function) {
        const std::lock_guard<std::mutex> lock(mutex);
        return function;
    }

    /** Whether it belongs to an answer that nobody reads any more. */
    bool is_rest(const event& pulled) {
        const std::lock_guard<std::mutex> lock(mutex);
        if (abandoned.empty()) return false;
        if (pulled.kind() == CLAUDE_EVENT_CLOSED) {
            abandoned.clear();
            return false;
        }
        if (ends_turn_of(pulled, abandoned)) abandoned.clear();
        return true;
    }

    static bool ends_turn_of(const event& pulled, const std::string& prompt) {
        if (pulled.kind() == CLAUDE_EVENT_TURN_ENDED)
            return pulled.get("/prompts").value_or("").find(prompt) != std::string::npos;
        return pulled.kind() == CLAUDE_MESSAGE_COMMAND_LIFECYCLE && pulled.get("/command_uuid") == prompt &&
               pulled.get("/state") == std::string("cancelled");
    }

  private:
    /** Resumes the first coroutine that waits, if one does; `got` is untouched if none does. */
    bool tell_reader(claude_status_t status, event&& got, bool for_rest) {
#if CLAUDE_CXX_COROUTINES
        std::unique_lock<std::mutex> lock(mutex);
        for (auto at = readers.begin(); at != readers.end(); ++at) {
            reader* const found = *at;
            if (found->for_rest != for_rest) continue;
            readers.erase(at);
            found->status = status;
            found->got = std::move(got);
            const auto waiting = found->waiting;
            lock.unlock();
            waiting.resume();
            return true;
        }
#else
        static_cast<void>(status), static_cast<void>(got), static_cast<void>(for_rest);
#endif
        return false;
    }

    void put_back(event&& got) {
        const std::lock_guard<std::mutex> lock(mutex);
        if (got) unread.push_back(std::move(got));
    }

    /** Under the lock: an operation that has ended, so that nobody misses its end. */
    void settle(pulled& one) {
        if (one.got.kind() != CLAUDE_EVENT_DONE) return;
        const auto found = operations.find(as_number(one.got.info().user_data));
        if (found == operations.end()) return;
        found->second->over = true;
        found->second->status = one.got.info().status;
        found->second->json = std::string(one.got.json());
        one.resumed = std::exchange(found->second->waiting, nullptr);
        if (!abandoned.empty() && found->second->withdraws == abandoned &&
            claude::get(found->second->json, "/cancelled") == std::string("true"))
            abandoned.clear();
        operations.erase(found);
    }

    std::function<void(request)> asked_function(const claude_event_info_t& info) {
        const std::lock_guard<std::mutex> lock(mutex);
        if (const auto named = on_named.find(as_number(info.user_data)); named != on_named.end()) return named->second;
        return info.request_kind == CLAUDE_REQUEST_PERMISSION && on_permission ? on_permission : on_request;
    }

    tool_function tool_behind(std::uintptr_t number) {
        const std::lock_guard<std::mutex> lock(mutex);
        for (const auto& table : tools) {
            const std::lock_guard<std::mutex> inner(table->mutex);
            if (const auto found = table->functions.find(number); found != table->functions.end()) return found->second;
        }
        return nullptr;
    }

    std::condition_variable changed_;
    bool pulling_ = false;
    claude_lanes_t pulled_lanes_ = CLAUDE_LANE_ALL;
    int reading_ = 0;
};
} // namespace detail

// ---- An answer ------------------------------------------------------------------------------------------------------

#if CLAUDE_CXX_COROUTINES
template <class T> class task;
#endif

/** The messages up to the end of the turn that answers a prompt: `for (auto& event : client.ask("..."))`. An answer
 *  that is left before its end is interrupted, and nothing of it reaches the next one. */
class answer {
  public:
    struct end_of_answer {};
    class iterator {
      public:
        using iterator_category = std::input_iterator_tag;
        using value_type = event;
        using difference_type = std::ptrdiff_t;
        using pointer = event*;
        using reference = event&;
        explicit iterator(answer* of) : of_(of) {}
        event& operator*() const noexcept { return of_->current_; }
        event* operator->() const noexcept { return &of_->current_; }
        iterator& operator++() {
            of_->advance();
            return *this;
        }
        void operator++(int) { of_->advance(); }
        bool is_at_end() const noexcept { return !of_->current_; }
        friend bool operator==(const iterator& at, end_of_answer) noexcept { return at.is_at_end(); }
        friend bool operator!=(const iterator& at, end_of_answer) noexcept { return !at.is_at_end(); }

      private:
        answer* of_;
    };

    answer(answer&&) = default;
    answer& operator=(answer&&) = delete;
    ~answer() { leave(); }

    iterator begin() {
        advance();
        return iterator(this);
    }
    end_of_answer end() const noexcept { return {}; }

    /** The next message; an empty event at the end. */
    result<event> next() {
        while (core_ && !over_) {
            auto got = core_->next(end_);
            if (!got) return stop(got.error());
            if (auto told = sorted(*got)) return std::move(*told);
        }
        return event();
    }
#if CLAUDE_CXX_COROUTINES
    /** The same for a coroutine, without the limit of time. */
    task<event> next_async();
#endif

    /** Reads to the end, and returns the final text. */
    result<std::string> text() {
        std::string said;
        std::optional<error> failed;
        for (;;) {
            auto got = next();
            if (!got) return got.error();
            if (!*got) break;
            if (got->kind() != CLAUDE_MESSAGE_RESULT) continue;
            said = got->text();
            if (got->get("/is_error") == std::string("true"))
                failed =
                    error(CLAUDE_ERR_RESULT, object({{"message", said}, {"result", value::raw(got->json())}}).json());
        }
        if (failed) return detail::fail<std::string>(*failed);
        return said;
    }

    /** Why it ended without the end of its turn; only with -fno-exceptions, where it is not thrown. */
    const std::optional<error>& failure() const noexcept { return failure_; }
    /** The uuid of its prompt. */
    const std::string& prompt() const noexcept { return prompt_; }

    /** Reads no more: the turn is interrupted. Does not wait; the next `ask` does. */
    void leave() noexcept {
        if (!core_ || over_) return;
        over_ = true;
        const std::uintptr_t number = detail::fresh_number();
        {
            const std::lock_guard<std::mutex> lock(core_->mutex);
            core_->answering = false;
            core_->abandoned = prompt_;
            const auto withdrawal = std::make_shared<detail::operation>();
            withdrawal->withdraws = prompt_;
            core_->operations.emplace(number, withdrawal);
        }
        // One of them has an effect: the prompt waits, or its turn runs. Without the lock: they may call on_ready.
        if (claude_client_cancel_prompt(core_->handle, prompt_.c_str(), nullptr, detail::as_user_data(number),
                                        nullptr) != CLAUDE_OK) {
            const std::lock_guard<std::mutex> lock(core_->mutex);
            core_->operations.erase(number);
        }
        claude_client_interrupt(core_->handle, nullptr, nullptr, nullptr);
    }

  private:
    friend class client;
    answer(std::shared_ptr<detail::core> core, std::string prompt, detail::moment end)
        : core_(std::move(core)), prompt_(std::move(prompt)), end_(end) {}
    explicit answer(error failure) : failure_(std::move(failure)) {}

    /** What the reader is told of an event; nothing = it is not for the reader. */
    std::optional<result<event>> sorted(event& got) {
        if (!got) {
            const bool late = end_ && detail::clock::now() >= *end_;
            leave();
            return stop(
                error(late ? CLAUDE_ERR_TIMEOUT : CLAUDE_ERR_CANCELLED,
                      object({{"message", late ? "the answer was not complete in time" : "the wait was ended by wake"}})
                          .json()));
        }
        if (got.kind() == CLAUDE_EVENT_CLOSED) {
            const auto status = got.info().status;
            return stop(error(status != CLAUDE_OK ? status : CLAUDE_ERR_CLOSED,
                              std::string(status != CLAUDE_OK ? got.json() : "{}")));
        }
        if (detail::core::ends_turn_of(got, prompt_)) {
            done();
            return result<event>(event());
        }
        // What becomes of other prompts is no part of this answer.
        if (got.kind() == CLAUDE_MESSAGE_COMMAND_LIFECYCLE && got.get("/command_uuid") != prompt_) return std::nullopt;
        return result<event>(std::move(got));
    }

    void done() {
        if (over_) return;
        over_ = true;
        const std::lock_guard<std::mutex> lock(core_->mutex);
        core_->answering = false;
    }

    result<event> stop(const error& failure) {
        done();
        return detail::fail<event>(failure);
    }

    void advance() {
        current_ = event();
        auto got = next();
        if (got) current_ = std::move(*got);
        else failure_ = got.error();
    }

    std::shared_ptr<detail::core> core_;
    std::string prompt_;
    detail::moment end_;
    event current_;
    std::optional<error> failure_;
    bool over_ = false;
};

// ---- A CLI somewhere else -------------------------------------------------------------------------------------------

/** Where a transport puts what the CLI says. */
class sink {
  public:
    explicit sink(claude_sink_t* native) : native_(native) {}
    result<void> push(std::string_view bytes) {
        return detail::call([&](auto error) { return claude_sink_push(native_, bytes.data(), bytes.size(), error); });
    }
    bool has_room() const noexcept { return claude_sink_has_room(native_); }
    result<void> end(claude_status_t status = CLAUDE_OK, int exit_code = -1, std::string_view message = {}) {
        return detail::call([&](auto error) {
            return claude_sink_end(native_, status, exit_code, detail::c_text(message).or_null(), error);
        });
    }

  private:
    claude_sink_t* native_;
};

/** A transport of yours: docs/remote.md. The library calls it on its own threads. An exception ends the session, and
 *  comes out of the next wait in the client. */
class transport {
  public:
    virtual ~transport() = default;
    virtual claude_status_t connect(sink to) = 0;
    virtual claude_status_t write(std::string_view bytes) = 0;
    virtual claude_status_t end_input() = 0;
    virtual claude_status_t close() = 0;
    virtual claude_status_t is_ready() { return CLAUDE_OK; }
    virtual void on_room() {}
};

namespace detail {
/** What the library holds of a function or a transport of the host. */
template <class Object> struct held {
    Object object;
    std::weak_ptr<core> client;

    static held& of(void* user_data) { return *static_cast<held*>(user_data); }
    static void destroy(void* user_data) { delete static_cast<held*>(user_data); }
    /** Runs it at the border: no exception goes on into the library. */
    template <class Call> claude_status_t run(Call&& function) noexcept {
#if CLAUDE_CXX_EXCEPTIONS
        try {
            return function();
        } catch (...) {
            if (const auto told = client.lock()) told->keep(std::current_exception());
            return CLAUDE_ERR_CLI_CONNECTION;
        }
#else
        return function();
#endif
    }
};

using held_transport = held<std::shared_ptr<transport>>;
using held_notice = held<std::function<void()>>;
using held_log = held<std::function<void(claude_log_level_t, std::string_view)>>;

template <claude_status_t (transport::*Function)()> claude_status_t forward(void* user_data) {
    auto& held = held_transport::of(user_data);
    return held.run([&] { return (held.object.get()->*Function)(); });
}

inline claude_transport_vtable_t transport_functions() {
    claude_transport_vtable_t table{};
    table.size = sizeof table;
    table.connect = [](claude_sink_t* to, void* user_data) {
        auto& held = held_transport::of(user_data);
        return held.run([&] { return held.object->connect(sink(to)); });
    };
    table.write = [](const void* bytes, std::size_t length, void* user_data) {
        auto& held = held_transport::of(user_data);
        return held.run([&] { return held.object->write({static_cast<const char*>(bytes), length}); });
    };
    table.end_input = forward<&transport::end_input>;
    table.close = forward<&transport::close>;
    table.is_ready = forward<&transport::is_ready>;
    table.on_room = [](void* user_data) {
        auto& held = held_transport::of(user_data);
        held.run([&] {
            held.object->on_room();
            return CLAUDE_OK;
        });
    };
    table.destroy = held_transport::destroy;
    return table;
}
} // namespace detail

// ---- Session stores -------------------------------------------------------------------------------------------------

namespace detail {
/** A call that a store has in hand. The handle is a number, so a second answer is refused and does no harm. */
struct open_call {
    claude_store_call_t* const handle;
    const std::string key;
    open_call(claude_store_call_t* owned, const char* key_json) : handle(owned), key(key_json) {}
    open_call(const open_call&) = delete;
    ~open_call() { claude_store_call_free(handle); }
};
} // namespace detail

/** One call of a session store. Answer it once, now or later, on any thread. The copies of one are the same call; when
 *  the last of them is dropped without an answer, it fails. A second answer is CLAUDE_ERR_INVALID_HANDLE, one that comes
 *  when its time is over CLAUDE_ERR_STALE. */
class store_call {
  public:
    store_call(claude_store_call_t* owned, const char* key_json)
        : call_(std::make_shared<detail::open_call>(owned, key_json)) {}
    claude_store_call_t* native() const noexcept { return call_->handle; }
    /** As JSON: `project_key`, `session_id`, `subpath`. */
    const std::string& key() const noexcept { return call_->key; }
    std::string project_key() const { return claude::get(key(), "/project_key").value_or(""); }
    /** Empty where the call is about a whole project. */
    std::string session_id() const { return claude::get(key(), "/session_id").value_or(""); }
    /** Empty for the session itself. */
    std::string subpath() const { return claude::get(key(), "/subpath").value_or(""); }

    /** Done; for a load: never stored. */
    result<void> respond() {
        return detail::call([&](auto error) { return claude_store_call_respond(native(), nullptr, error); });
    }
    result<void> respond(const value& answer) {
        return detail::call(
            [&](auto error) { return claude_store_call_respond(native(), answer.json().c_str(), error); });
    }
    result<void> fail(std::string_view message, claude_status_t status = CLAUDE_ERR_FILE) {
        return detail::call(
            [&](auto error) { return claude_store_call_fail(native(), status, detail::c_text(message), error); });
    }

  private:
    std::shared_ptr<detail::open_call> call_;
};

/** The functions of a session store of yours: docs/sessions.md. The library runs them on its own threads, several at
 *  once; each answers its call. An exception fails the call with its text, and a claude::error with its status too.
 *  `append` and `load` are required; one that is empty is not there. */
struct store_functions {
    /** `entries` is a JSON list, and lives until the function returns. */
    std::function<void(store_call, std::string_view entries)> append{};
    std::function<void(store_call)> load{}, list{}, summaries{}, remove{}, list_subkeys{};
};

namespace detail {
/** Runs a function of a store at the border: no exception goes on into the library. */
template <class Function> void run_store(claude_store_call_t* call, const char* key, Function&& function) noexcept {
#if CLAUDE_CXX_EXCEPTIONS
    try {
        const store_call asked(call, key); // outlives what is thrown, which would drop it unanswered
        try {
            function(asked);
        } catch (const error& failed) {
            claude_store_call_fail(call, failed.status(), c_text(failed.what()), nullptr);
        } catch (const std::exception& failed) {
            claude_store_call_fail(call, CLAUDE_ERR_FILE, c_text(failed.what()), nullptr);
        } catch (...) {
            claude_store_call_fail(call, CLAUDE_ERR_FILE, "a function of the store threw", nullptr);
        }
    } catch (...) { // no memory
        claude_store_call_free(call);
    }
#else
    function(store_call(call, key));
#endif
}

inline void append_to_store(claude_store_call_t* call, const char* key, const char* entries, void* user_data) {
    const auto& functions = *static_cast<const store_functions*>(user_data);
    run_store(call, key, [&](const store_call& asked) { functions.append(asked, entries); });
}

template <std::function<void(store_call)> store_functions::* Function>
void ask_store(claude_store_call_t* call, const char* key, void* user_data) {
    const auto& functions = *static_cast<const store_functions*>(user_data);
    run_store(call, key, [&](const store_call& asked) { (functions.*Function)(asked); });
}

template <std::function<void(store_call)> store_functions::* Function>
claude_store_fn if_there(const store_functions& functions) {
    return functions.*Function ? ask_store<Function> : nullptr;
}
} // namespace detail

/** Sessions in a place of yours, for any number of clients. They keep it when this object is gone. */
class session_store {
  public:
    static result<session_store> create(store_functions functions) {
        auto* const kept = new store_functions(std::move(functions));
        claude_session_store_vtable_t table{};
        table.size = sizeof table;
        table.append = kept->append ? detail::append_to_store : nullptr;
        table.load = detail::if_there<&store_functions::load>(*kept);
        table.list = detail::if_there<&store_functions::list>(*kept);
        table.summaries = detail::if_there<&store_functions::summaries>(*kept);
        table.remove = detail::if_there<&store_functions::remove>(*kept);
        table.list_subkeys = detail::if_there<&store_functions::list_subkeys>(*kept);
        table.destroy = [](void* user_data) { delete static_cast<store_functions*>(user_data); };
        return made([&](auto store, auto error) { return claude_session_store_create(&table, kept, store, error); });
    }
    /** One in memory, for tests. */
    static result<session_store> create_memory() { return made(claude_session_store_create_memory); }
#if CLAUDE_CXX_EXCEPTIONS
    explicit session_store(store_functions functions) : session_store(*create(std::move(functions))) {}
#endif
    claude_session_store_t* native() const noexcept { return handle_.get(); }

    /** The sessions of a project, newest first, as JSON. */
    result<std::string> list(const value& options = object({}), milliseconds time = usual) const {
        return detail::call_for_text([&](char** text, auto error) {
            return claude_session_store_list(native(), options.json().c_str(), detail::as_timeout(time), text, error);
        });
    }
    /** Stores a session that is on the disk. */
    result<std::string> import_session(std::string_view id, const value& options = object({}),
                                       milliseconds time = usual) const {
        return detail::call_for_text([&](char** text, auto error) {
            return claude_session_store_import(native(), detail::c_text(id), options.json().c_str(),
                                               detail::as_timeout(time), text, error);
        });
    }
    /** Checks it against the contract: `ok`, `passed`, `failed`, `skipped`, `cases`. For the tests of your store. */
    result<std::string> check(milliseconds time = usual) const {
        return detail::call_for_text([&](char** text, auto error) {
            return claude_session_store_check(native(), detail::as_timeout(time), text, error);
        });
    }

  private:
    static constexpr milliseconds usual = std::chrono::minutes(1);
    explicit session_store(claude_session_store_t* owned) : handle_(owned) {}
    template <class Make> static result<session_store> made(Make&& make) {
        claude_session_store_t* store = nullptr;
        auto created = detail::call([&](auto error) { return make(&store, error); });
        if (!created) return created.error();
        return session_store(store);
    }
    std::unique_ptr<claude_session_store_t, detail::deleter<claude_session_store_t, claude_session_store_free>> handle_;
};

// ---- Coroutines -----------------------------------------------------------------------------------------------------

#if CLAUDE_CXX_COROUTINES
namespace detail {
template <class T> struct outcome {
    std::optional<result<T>> held;
    std::coroutine_handle<> waiting;
#if CLAUDE_CXX_EXCEPTIONS
    std::exception_ptr thrown;
    void unhandled_exception() noexcept { thrown = std::current_exception(); }
#else
    void unhandled_exception() noexcept { std::abort(); }
#endif
    std::suspend_always initial_suspend() noexcept { return {}; }
    struct last {
        bool await_ready() noexcept { return false; }
        template <class Promise> std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> ended) noexcept {
            const auto next = ended.promise().waiting;
            return next ? next : std::noop_coroutine();
        }
        void await_resume() noexcept {}
    };
    last final_suspend() noexcept { return {}; }
    result<T> take() {
#if CLAUDE_CXX_EXCEPTIONS
        if (thrown) std::rethrow_exception(thrown);
#endif
        return std::move(*held);
    }
};
template <class T> struct promise : outcome<T> {
    void return_value(result<T> value) { this->held.emplace(std::move(value)); }
};
template <> struct promise<void> : outcome<void> {
    void return_void() { held.emplace(); }
};
} // namespace detail

/** A coroutine: begins when it is awaited, or by `client.run`. */
template <class T = void> class task {
  public:
    struct promise_type : detail::promise<T> {
        task get_return_object() { return task(std::coroutine_handle<promise_type>::from_promise(*this)); }
    };
    task(task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    task& operator=(task&&) = delete;
    ~task() {
        if (handle_) handle_.destroy();
    }
    bool is_done() const noexcept { return handle_.done(); }
    /** Runs it up to its first wait; `pump` brings it further. */
    void start() { handle_.resume(); }
    result<T> take() { return handle_.promise().take(); }

    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiting) noexcept {
        handle_.promise().waiting = waiting;
        return handle_;
    }
    result<T> await_resume() { return take(); }

  private:
    explicit task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
    std::coroutine_handle<promise_type> handle_;
};

namespace detail {
/** Waits for the end of an operation. */
class operation_awaiter {
  public:
    operation_awaiter(std::shared_ptr<core> core, result<std::shared_ptr<operation>> begun)
        : core_(std::move(core)), begun_(std::move(begun)) {}
    operation_awaiter(const operation_awaiter&) = delete;
    ~operation_awaiter() {
        if (!begun_) return;
        const std::lock_guard<std::mutex> lock(core_->mutex);
        (*begun_)->waiting = nullptr;
    }
    bool await_ready() const noexcept { return !begun_; }
    bool await_suspend(std::coroutine_handle<> waiting) {
        const std::lock_guard<std::mutex> lock(core_->mutex);
        if ((*begun_)->over) return false;
        (*begun_)->waiting = waiting;
        return true;
    }
    result<std::string> await_resume() {
        if (!begun_) return fail<std::string>(begun_.error());
        if ((*begun_)->status != CLAUDE_OK) return fail<std::string>(error((*begun_)->status, (*begun_)->json));
        return std::move((*begun_)->json);
    }

  private:
    std::shared_ptr<core> core_;
    result<std::shared_ptr<operation>> begun_;
};

/** Waits for a message. */
class event_awaiter {
  public:
    explicit event_awaiter(std::shared_ptr<core> core, bool for_rest = false) : core_(std::move(core)) {
        reader_.for_rest = for_rest;
    }
    event_awaiter(const event_awaiter&) = delete;
    ~event_awaiter() {
        const std::lock_guard<std::mutex> lock(core_->mutex);
        auto& all = core_->readers;
        for (auto at = all.begin(); at != all.end(); ++at)
            if (*at == &reader_) {
                all.erase(at);
                break;
            }
    }
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting) {
        const std::lock_guard<std::mutex> lock(core_->mutex);
        reader_.waiting = waiting;
        core_->readers.push_back(&reader_);
    }
    result<event> await_resume() {
        if (reader_.status != CLAUDE_OK) return fail<event>(error(reader_.status, "{}"));
        return std::move(reader_.got);
    }

  private:
    std::shared_ptr<core> core_;
    reader reader_;
};
} // namespace detail

inline task<event> answer::next_async() {
    while (core_ && !over_) {
        auto got = co_await detail::event_awaiter(core_);
        if (!got) co_return stop(got.error());
        if (auto told = sorted(*got)) co_return std::move(*told);
    }
    co_return event();
}
#endif

// ---- The client -----------------------------------------------------------------------------------------------------

/** A conversation with one CLI. */
class client {
  public:
    struct queued {
        std::size_t events, bytes;
    };
    static result<client> create(const options& wanted = {}) {
        options all = wanted;
        all.set("turn_events", true); // by which an answer finds its end
        claude_client_t* made = nullptr;
        auto created = detail::call([&](auto error) { return claude_client_create(all.json().c_str(), &made, error); });
        if (!created) return created.error();
        client owner(made);
        auto pulls =
            detail::call([&](auto error) { return claude_client_set_dispatch(made, CLAUDE_DISPATCH_PULL, error); });
        if (!pulls) return pulls.error();
        return result<client>(std::move(owner));
    }
#if CLAUDE_CXX_EXCEPTIONS
    explicit client(const options& wanted = {}) : client(*create(wanted)) {}
#endif
    claude_client_t* native() const noexcept { return handle_.get(); }

    // Functions of yours. Register them before connecting.

    /** `void(request)`: may this tool run? */
    template <class Function> result<void> on_permission(Function&& function) {
        keep(core_->on_permission, std::forward<Function>(function));
        return detail::call(
            [&](auto error) { return claude_client_on_permission(native(), nullptr, nullptr, nullptr, error); });
    }
    /** `void(request)`: whatever has no function of its own. */
    template <class Function> result<void> on_request(Function&& function) {
        keep(core_->on_request, std::forward<Function>(function));
        return detail::call(
            [&](auto error) { return claude_client_on_request(native(), nullptr, nullptr, nullptr, error); });
    }
    /** `void(std::uint64_t id)`: a request or a tool call needs no answer any more. */
    template <class Function> void on_cancelled(Function&& function) {
        keep(core_->on_cancelled, std::forward<Function>(function));
    }
    /** `void(event&)`: the messages that `pump` and `run` bring. */
    template <class Function> void on_message(Function&& function) {
        keep(core_->on_message, std::forward<Function>(function));
    }
    /** Lines of stderr become events. */
    result<void> want_stderr() {
        return detail::call(
            [&](auto error) { return claude_client_on_stderr(native(), nullptr, nullptr, nullptr, error); });
    }
    /** `void(request)`; answer by `respond`. An empty matcher stands for all. */
    template <class Function>
    result<void> hook(std::string_view event, std::string_view matcher, Function&& function,
                      milliseconds deadline = milliseconds(0),
                      claude_hook_failure_t on_failure = CLAUDE_HOOK_CONTINUE) {
        void* const number = name(std::forward<Function>(function));
        return detail::call([&](auto error) {
            return claude_client_add_hook(native(), detail::c_text(event), detail::c_text(matcher).or_null(),
                                          deadline.count() == 0 ? 0 : detail::as_timeout(deadline), on_failure, nullptr,
                                          number, nullptr, error);
        });
    }
    /** A tool that is a function of yours: see tool_server::tool. The model sees `mcp__<server>__<name>`. */
    template <class Function>
    result<void> tool(std::string_view server, std::string_view name, std::string_view description,
                      const value& input_schema, Function&& function) {
        const std::lock_guard<std::mutex> lock(core_->adding);
        auto found = servers_.find(std::string(server));
        if (found == servers_.end()) {
            auto made = tool_server::create(server);
            if (!made) return made.error();
            auto added = add(*made);
            if (!added) return added;
            found = servers_.emplace(std::string(server), std::move(*made)).first;
        }
        return found->second.tool(name, description, input_schema, std::forward<Function>(function));
    }
    result<void> add(const tool_server& server) {
        {
            const std::lock_guard<std::mutex> lock(core_->mutex);
            core_->tools.push_back(server.table_);
        }
        return detail::call([&](auto error) { return claude_client_add_mcp_server(native(), server.native(), error); });
    }
    /** `void(request)`: an MCP server that speaks JSON-RPC itself. */
    template <class Function> result<void> mcp_handler(std::string_view server, Function&& function) {
        void* const number = name(std::forward<Function>(function));
        return detail::call([&](auto error) {
            return claude_client_add_mcp_handler(native(), detail::c_text(server), nullptr, number, nullptr, error);
        });
    }
    result<void> declare_dialog(std::string_view kind) {
        return detail::call(
            [&](auto error) { return claude_client_declare_dialog(native(), detail::c_text(kind), error); });
    }
    /** `void()`, on any thread: something waits. It may only poke an event loop, which then calls `pump`. */
    template <class Function> result<void> on_ready(Function&& function) {
        auto* const kept = new detail::held_notice{detail::function<void()>(std::forward<Function>(function)), core_};
        return detail::call([&](auto error) {
            return claude_client_on_ready(
                native(),
                [](void* user_data) {
                    auto& held = detail::held_notice::of(user_data);
                    held.run([&] {
                        held.object();
                        return CLAUDE_OK;
                    });
                },
                kept, detail::held_notice::destroy, error);
        });
    }
    /** Keeps the session in a store, and takes from there what `resume` names. */
    result<void> set_session_store(const session_store& store) {
        return detail::call(
            [&](auto error) { return claude_client_set_session_store(native(), store.native(), error); });
    }
    result<void> set_transport(std::shared_ptr<transport> used) {
        const auto table = detail::transport_functions();
        auto* const kept = new detail::held_transport{std::move(used), core_};
        return detail::call([&](auto error) { return claude_client_set_transport(native(), &table, kept, error); });
    }

    // Life. What waits answers requests meanwhile, and leaves messages where they are.

    result<std::string> connect(milliseconds time = std::chrono::minutes(1)) {
        return wait(time, [&](void* user_data, auto error) {
            return claude_client_connect(native(), nullptr, nullptr, user_data, error);
        });
    }
    result<std::string> disconnect(milliseconds time = std::chrono::minutes(1)) {
        return wait(time, [&](void* user_data, auto error) {
            return claude_client_disconnect(native(), nullptr, user_data, error);
        });
    }
    claude_state_t state() const noexcept { return claude_client_state(native()); }
    std::uint64_t pid() const noexcept { return claude_client_pid(native()); }
    result<std::string> stats() {
        return detail::call_for_text(
            [&](char** text, auto error) { return claude_client_stats(native(), text, error); });
    }
    result<std::string> server_info() {
        return detail::call_for_text(
            [&](char** text, auto error) { return claude_client_get_server_info(native(), text, error); });
    }

    // Talking.

    /** Sends a prompt; the messages of its turn are the answer. One answer at a time. Waits for the end of one that
     *  was left. */
    answer ask(std::string_view prompt, milliseconds time = forever) {
        return answer_to([&] { return query(prompt); }, time);
    }
    /** The same for a whole user message: images, several blocks, `priority`. */
    answer ask_json(const value& message, milliseconds time = forever) {
        return answer_to([&] { return send_json(message); }, time);
    }
    /** Sends a prompt; its uuid. */
    result<std::string> query(std::string_view prompt) {
        if (prompt.find('\0') != std::string_view::npos)
            return send_json(object({{"type", "user"}, {"message", object({{"role", "user"}, {"content", prompt}})}}));
        return detail::call_for_text([&](char** uuid, auto error) {
            return claude_client_query(native(), detail::c_text(prompt), nullptr, uuid, error);
        });
    }
    result<std::string> send_json(const value& message) {
        return detail::call_for_text([&](char** uuid, auto error) {
            return claude_client_send_json(native(), message.json().c_str(), uuid, error);
        });
    }
    result<void> end_input() {
        return detail::call([&](auto error) { return claude_client_end_input(native(), error); });
    }
    result<void> end_input_after_run() {
        return detail::call([&](auto error) { return claude_client_end_input_after_run(native(), error); });
    }

    // Receiving.

    /** The next message. An empty event: the time is over, or `wake`. Behind CLAUDE_EVENT_CLOSED it fails:
     *  CLAUDE_ERR_CLOSED. */
    result<event> next(milliseconds time = forever) { return core_->next(detail::ends_in(time)); }
    /** Runs your functions for all that has come, and waits up to `time` for the first of it. Messages go to
     *  `on_message` and to coroutines. False: the session is over, and all has been told. */
    bool pump(milliseconds time = milliseconds(0),
              std::chrono::microseconds budget = std::chrono::microseconds::max()) {
        return core_->pump(time, budget, [this] { return wanted_lanes(); });
    }
    /** Pumps to the end of the session, such as on a thread of its own. */
    void run() {
        while (pump(forever)) {}
    }
    /** Readable while something waits; never read or close it. */
    result<std::intptr_t> ready_handle(claude_lanes_t lanes = CLAUDE_LANE_ALL) {
        std::intptr_t handle = -1;
        auto got =
            detail::call([&](auto error) { return claude_client_ready_handle(native(), lanes, &handle, error); });
        if (!got) return got.error();
        return handle;
    }
    /** Ends a wait of another thread in `next`, an answer or `pump`; where none waits, the next one. */
    void wake() { core_->wake(); }
    /** How much waits to be read. */
    result<queued> pending(claude_lanes_t lanes = CLAUDE_LANE_ALL) {
        queued waits{0, 0};
        auto got = detail::call(
            [&](auto error) { return claude_client_pending(native(), lanes, &waits.events, &waits.bytes, error); });
        if (!got) return got.error();
        return waits;
    }
    result<std::string> pending_requests() {
        return detail::call_for_text(
            [&](char** text, auto error) { return claude_client_pending_requests(native(), text, error); });
    }
    result<request> take_request(std::uint64_t id) {
        claude_request_t* taken = nullptr;
        auto got = detail::call([&](auto error) { return claude_client_take_request(native(), id, &taken, error); });
        if (!got) return got.error();
        return request(taken);
    }

    // Control: docs/control.md. Each returns the CLI's reply, a JSON object.

    result<std::string> interrupt(milliseconds time = usual) {
        return wait(time, [&](void* user_data, auto error) {
            return claude_client_interrupt(native(), nullptr, user_data, error);
        });
    }
    result<std::string> interrupt_with(bool cancel_queued, milliseconds deadline, claude_escalation_t escalation,
                                       milliseconds time = usual) {
        return wait(time, [&](void* user_data, auto error) {
            return claude_client_interrupt_with(native(), cancel_queued, detail::as_timeout(deadline), escalation,
                                                nullptr, user_data, error);
        });
    }
    result<std::string> set_permission_mode(std::string_view mode, milliseconds time = usual) {
        return wait(time, [&](void* user_data, auto error) {
            return claude_client_set_permission_mode(native(), detail::c_text(mode), nullptr, user_data, error);
        });
    }
    /** An empty name: the default model. */
    result<std::string> set_model(std::string_view model, milliseconds time = usual) {
        return wait(time, [&](void* user_data, auto error) {
            return claude_client_set_model(native(), detail::c_text(model).or_null(), nullptr, user_data, error);
        });
    }
    result<std::string> rewind_files(std::string_view message_uuid, bool dry_run, milliseconds time = usual) {
        return wait(time, [&](void* user_data, auto error) {
            return claude_client_rewind_files(native(), detail::c_text(message_uuid), dry_run, nullptr, user_data,
                                              error);
        });
    }
    result<std::string> get_mcp_status(milliseconds time = usual) {
        return wait(time, [&](void* user_data, auto error) {
            return claude_client_get_mcp_status(native(), nullptr, user_data, error);
        });
    }
    result<std::string> reconnect_mcp_server(std::string_view server, milliseconds time = usual) {
        return wait(time, [&](void* user_data, auto error) {
            return claude_client_reconnect_mcp_server(native(), detail::c_text(server), nullptr, user_data, error);
        });
    }
    result<std::string> toggle_mcp_server(std::string_view server, bool enabled, milliseconds time = usual) {
        return wait(time, [&](void* user_data, auto error) {
            return claude_client_toggle_mcp_server(native(), detail::c_text(server), enabled, nullptr, user_data,
                                                   error);
        });
    }
    result<std::string> set_mcp_servers(const value& servers, milliseconds time = usual) {
        return wait(time, [&](void* user_data, auto error) {
            return claude_client_set_mcp_servers(native(), servers.json().c_str(), nullptr, user_data, error);
        });
    }
    result<std::string> stop_task(std::string_view task_id, milliseconds time = usual) {
        return wait(time, [&](void* user_data, auto error) {
            return claude_client_stop_task(native(), detail::c_text(task_id), nullptr, user_data, error);
        });
    }
    result<std::string> get_context_usage(std::string_view how_much = {}, milliseconds time = usual) {
        return wait(time, [&](void* user_data, auto error) {
            return claude_client_get_context_usage(native(), detail::c_text(how_much).or_null(), nullptr, user_data,
                                                   error);
        });
    }
    result<std::string> cancel_prompt(std::string_view message_uuid, milliseconds time = usual) {
        return wait(time, [&](void* user_data, auto error) {
            return claude_client_cancel_prompt(native(), detail::c_text(message_uuid), nullptr, user_data, error);
        });
    }
    result<std::string> reinitialize(milliseconds time = usual) {
        return wait(time, [&](void* user_data, auto error) {
            return claude_client_reinitialize(native(), nullptr, user_data, error);
        });
    }
    /** Any control request, such as `object({{"subtype", "get_settings"}})`. */
    result<std::string> control(const value& request, milliseconds time = usual) {
        return wait(time, [&](void* user_data, auto error) {
            return claude_client_control(native(), request.json().c_str(), nullptr, user_data, error);
        });
    }

#if CLAUDE_CXX_COROUTINES
    // Coroutines. They go on inside `pump` and `run`.

    using operation = detail::operation_awaiter;
    operation connect_async() {
        return begin([&](void* user_data, auto error) {
            return claude_client_connect(native(), nullptr, nullptr, user_data, error);
        });
    }
    operation disconnect_async() {
        return begin(
            [&](void* user_data, auto error) { return claude_client_disconnect(native(), nullptr, user_data, error); });
    }
    operation interrupt_async() {
        return begin(
            [&](void* user_data, auto error) { return claude_client_interrupt(native(), nullptr, user_data, error); });
    }
    operation control_async(const value& request) {
        return begin([&](void* user_data, auto error) {
            return claude_client_control(native(), request.json().c_str(), nullptr, user_data, error);
        });
    }
    /** The next message. */
    detail::event_awaiter next_async() { return detail::event_awaiter(core_); }
    /** Sends a prompt; read its answer by `next_async`. */
    task<answer> ask_async(std::string prompt) {
        while (!core_->copy_of(core_->abandoned).empty())
            static_cast<void>(co_await detail::event_awaiter(core_, true));
        co_return answer_to([&] { return query(prompt); }, forever);
    }
    /** Runs a coroutine to its end. */
    template <class T> result<T> run(task<T> work) {
        work.start();
        while (!work.is_done() && pump(forever)) {}
        if (work.is_done()) return work.take();
        return detail::fail<T>(error(CLAUDE_ERR_CLOSED, "{}"));
    }
#endif

  private:
    friend class spare;
    static constexpr milliseconds usual = std::chrono::seconds(30);

    explicit client(claude_client_t* owned) : core_(std::make_shared<detail::core>(owned)), handle_(owned) {}

    template <class Signature, class Function> void keep(std::function<Signature>& place, Function&& function) {
        auto kept = detail::function<Signature>(std::forward<Function>(function));
        const std::lock_guard<std::mutex> lock(core_->mutex);
        place.swap(kept);
    }

    template <class Function> void* name(Function&& function) {
        const std::uintptr_t number = detail::fresh_number();
        auto kept = detail::function<void(request)>(std::forward<Function>(function));
        const std::lock_guard<std::mutex> lock(core_->mutex);
        core_->on_named.emplace(number, std::move(kept));
        return detail::as_user_data(number);
    }

    template <class Begin> result<std::string> wait(milliseconds time, Begin&& begin) {
        auto begun = core_->start(std::forward<Begin>(begin));
        if (!begun) return begun.error();
        return core_->finish(*begun, time);
    }

#if CLAUDE_CXX_COROUTINES
    template <class Begin> operation begin(Begin&& begin) {
        return operation(core_, core_->start(std::forward<Begin>(begin)));
    }
#endif

    template <class Send> answer answer_to(Send&& send, milliseconds time) {
        const auto end = detail::ends_in(time);
        {
            const std::lock_guard<std::mutex> lock(core_->mutex);
            if (std::exchange(core_->answering, true))
                return refused(
                    "an answer of this client is being read: read it to its end or leave it before the next one");
        }
        struct reset {
            detail::core& core;
            bool armed = true;
            ~reset() {
                if (!armed) return;
                const std::lock_guard<std::mutex> lock(core.mutex);
                core.answering = false;
            }
        } guard{*core_};
        auto drained = core_->drain(end);
        if (!drained) return answer(drained.error());
        auto sent = send();
        if (!sent) return answer(sent.error());
        guard.armed = false;
        return answer(core_, std::move(*sent), end);
    }

    static answer refused(std::string_view why) {
        error failure(CLAUDE_ERR_INVALID_ARGUMENT, object({{"message", why}}).json());
#if CLAUDE_CXX_EXCEPTIONS
        throw failure;
#else
        return answer(std::move(failure));
#endif
    }

    claude_lanes_t wanted_lanes() {
        const std::lock_guard<std::mutex> lock(core_->mutex);
        // Without a reader messages stay where they are, which holds up the CLI and not the memory.
        const bool reads = !core_->readers.empty() || core_->on_message || !core_->abandoned.empty();
        return reads ? CLAUDE_LANE_ALL : CLAUDE_LANE_REQUESTS;
    }

    std::shared_ptr<detail::core> core_;
    std::unique_ptr<claude_client_t, detail::deleter<claude_client_t, claude_client_free>> handle_;
    std::map<std::string, tool_server> servers_;
};

// ---- Started before it is known for what ----------------------------------------------------------------------------

/** A CLI that waits to become a session: docs/start-at-once.md. It has taken a client over, and a claim gives it back;
 *  a spare that is dropped ends its CLI. */
class spare {
  public:
    /** Starts the CLI of a client on which everything is registered. Does not wait. If it fails, the client stays
     *  yours. */
    static result<spare> create(client&& given) {
        claude_spare_t* made = nullptr;
        auto begun = given.core_->start([&](void* user_data, auto error) {
            return claude_spare_create(given.native(), nullptr, user_data, &made, error);
        });
        if (!begun) return begun.error();
        return spare(made, std::move(given), std::move(*begun));
    }
#if CLAUDE_CXX_EXCEPTIONS
    explicit spare(client&& given) : spare(*create(std::move(given))) {}
#endif
    spare(spare&&) = default;
    spare& operator=(spare&& other) noexcept {
        core_.swap(other.core_);
        parked_.swap(other.parked_);
        client_.swap(other.client_);
        handle_.swap(other.handle_); // what this one had ends with the other
        return *this;
    }
    ~spare() {
        if (client_) static_cast<void>(client_->handle_.release()); // it goes with the spare
    }
    claude_spare_t* native() const noexcept { return handle_.get(); }

    /** Waits until the CLI is there, and returns what it said; fails if it could not be started. A claim needs no such
     *  wait. */
    result<std::string> wait(milliseconds time = std::chrono::minutes(1)) { return core_->finish(parked_, time); }
    /** CLAUDE_STATE_CONNECTING while it can be claimed, CLAUDE_STATE_CLOSED when it has ended: make another one. */
    claude_state_t state() const noexcept { return claude_client_state(core_->handle); }
    /** Answers what the CLI asks while it waits, such as an `mcp_handler`. False: it has ended. */
    bool pump(milliseconds time = milliseconds(0)) {
        const auto core = core_; // a coroutine that goes on in here may drop the spare
        return core->pump(time, std::chrono::microseconds::max(),
                          [] { return static_cast<claude_lanes_t>(CLAUDE_LANE_REQUESTS); });
    }
    /** Readable while `pump` has something to answer, and not because the CLI has ended; never read or close it. */
    result<std::intptr_t> ready_handle() {
        std::intptr_t handle = -1;
        auto got = detail::call([&](auto error) {
            return claude_client_ready_handle(core_->handle, CLAUDE_LANE_REQUESTS, &handle, error);
        });
        if (!got) return got.error();
        return handle;
    }

    /** Makes a session of it, with what is known only now: `object({{"cwd", folder}})`. CLAUDE_ERR_INVALID_OPTION: the
     *  document cannot be used, and the spare still can. CLAUDE_ERR_ALREADY_CONNECTED: it was claimed before. After
     *  any other failure the client is gone and the prompt was not sent: connect another one. Read the answer to one by
     *  `next`, or use `ask` in its place. */
    result<client> claim(const value& what = object({}), std::string_view prompt = {},
                         milliseconds time = std::chrono::minutes(1)) {
        auto begun = begin(what);
        if (!begun) return begun.error();
        client claimed = take();
        auto ended = core_->finish(*begun, time);
        if (!ended) return ended.error();
        return with_prompt(std::move(claimed), prompt);
    }
#if CLAUDE_CXX_COROUTINES
    /** The same for a coroutine, which goes on inside `pump` and `run`; `connect_timeout_ms` is its limit of time. */
    task<client> claim_async(value what = object({}), std::string prompt = {}) {
        auto begun = begin(what);
        if (!begun) co_return begun.error();
        client claimed = take();
        auto ended = co_await detail::operation_awaiter(core_, std::move(*begun));
        if (!ended) co_return ended.error();
        co_return with_prompt(std::move(claimed), prompt);
    }
    /** Runs a coroutine that claims it to its end. */
    template <class T> result<T> run(task<T> work) {
        work.start();
        while (!work.is_done() && pump(forever)) {}
        if (work.is_done()) return work.take();
        return detail::fail<T>(error(CLAUDE_ERR_CLOSED, "{}"));
    }
#endif

  private:
    using operation = std::shared_ptr<detail::operation>;

    spare(claude_spare_t* owned, client&& given, operation parked)
        : core_(given.core_), parked_(std::move(parked)), client_(std::make_unique<client>(std::move(given))),
          handle_(owned) {}

    result<operation> begin(const value& what) {
        claude_client_t* same = nullptr;
        // Without the prompt: the library would send it too when the wait here is over already.
        return core_->start([&](void* user_data, auto error) {
            return claude_spare_claim(native(), what.json().c_str(), nullptr, nullptr, user_data, &same, error);
        });
    }

    client take() {
        const std::unique_ptr<client> claimed = std::move(client_);
        return std::move(*claimed);
    }

    static result<client> with_prompt(client claimed, std::string_view prompt) {
        if (!prompt.empty())
            if (auto sent = claimed.query(prompt); !sent) return sent.error();
        return result<client>(std::move(claimed));
    }

    std::shared_ptr<detail::core> core_;
    operation parked_;
    std::unique_ptr<client> client_; // until it is claimed
    std::unique_ptr<claude_spare_t, detail::deleter<claude_spare_t, claude_spare_free>> handle_;
};

// ---- Without a client -----------------------------------------------------------------------------------------------

/** One prompt, one answer: the final text. */
inline result<std::string> query_once(std::string_view prompt, const options& wanted = {},
                                      milliseconds time = forever) {
    auto made = client::create(wanted);
    if (!made) return made.error();
    auto connected = made->connect(time);
    if (!connected) return connected.error();
    return made->ask(prompt, time).text();
}

/** Sessions on the disk: docs/sessions.md. */
namespace session {
namespace detail = claude::detail;

inline result<std::string> list(const value& options = object({})) {
    return detail::call_for_text(
        [&](char** text, auto error) { return claude_sessions_list(options.json().c_str(), text, error); });
}
inline result<std::string> info(std::string_view id, const value& options = object({})) {
    return detail::call_for_text([&](char** text, auto error) {
        return claude_session_info(detail::c_text(id), options.json().c_str(), text, error);
    });
}
} // namespace session

namespace detail {
/** Reads a conversation by a C function. Behind an exception `function` is not called again, and it comes out here. */
template <class Function, class Read> result<void> read_messages(Function&& function, Read&& c_read) {
    struct state {
        Function& function;
        std::exception_ptr thrown;
    } all{function, nullptr};
    const auto each = [](claude_message_kind_t kind, const char* json, std::size_t length, void* user_data) {
        auto& state_of = *static_cast<state*>(user_data);
#if CLAUDE_CXX_EXCEPTIONS
        if (state_of.thrown) return;
        try {
            state_of.function(kind, std::string_view(json, length));
        } catch (...) {
            state_of.thrown = std::current_exception();
        }
#else
        state_of.function(kind, std::string_view(json, length));
#endif
    };
    auto read = call([&](auto error) { return c_read(each, &all, error); });
#if CLAUDE_CXX_EXCEPTIONS
    if (all.thrown) std::rethrow_exception(all.thrown);
#endif
    return read;
}
} // namespace detail

namespace session {
/** Calls `void(claude_message_kind_t, std::string_view json)` for each message. Behind an exception it is not called
 *  again, and the exception comes out of this. */
template <class Function> result<void> messages(std::string_view id, Function&& function,
                                                const value& options = object({})) {
    return detail::read_messages(function, [&](auto each, void* user_data, auto error) {
        return claude_session_messages(detail::c_text(id), options.json().c_str(), each, user_data, error);
    });
}
/** The same for a subagent, by its `agent_id`. */
template <class Function> result<void> subagent_messages(std::string_view id, std::string_view agent_id,
                                                         Function&& function, const value& options = object({})) {
    return detail::read_messages(function, [&](auto each, void* user_data, auto error) {
        return claude_session_subagent_messages(detail::c_text(id), detail::c_text(agent_id), options.json().c_str(),
                                                each, user_data, error);
    });
}
inline result<std::string> subagents(std::string_view id, const value& options = object({})) {
    return detail::call_for_text([&](char** text, auto error) {
        return claude_session_subagents(detail::c_text(id), options.json().c_str(), text, error);
    });
}
inline result<void> rename(std::string_view id, std::string_view title, const value& options = object({})) {
    return detail::call([&](auto error) {
        return claude_session_rename(detail::c_text(id), detail::c_text(title), options.json().c_str(), error);
    });
}
/** An empty tag takes it away. */
inline result<void> tag(std::string_view id, std::string_view tag, const value& options = object({})) {
    return detail::call([&](auto error) {
        return claude_session_tag(detail::c_text(id), detail::c_text(tag).or_null(), options.json().c_str(), error);
    });
}
inline result<void> archive(std::string_view id, bool archived, const value& options = object({})) {
    return detail::call([&](auto error) {
        return claude_session_archive(detail::c_text(id), archived, options.json().c_str(), error);
    });
}
inline result<void> remove(std::string_view id, const value& options = object({})) {
    return detail::call(
        [&](auto error) { return claude_session_delete(detail::c_text(id), options.json().c_str(), error); });
}
inline result<std::string> fork(std::string_view id, const value& options = object({})) {
    return detail::call_for_text([&](char** text, auto error) {
        return claude_session_fork(detail::c_text(id), options.json().c_str(), text, error);
    });
}
/** The folder below `projects/` in which the CLI keeps the sessions of a working folder. */
inline result<std::string> project_key(std::string_view directory) {
    return detail::call_for_text([&](char** text, auto error) {
        return claude_session_project_key(detail::c_text(directory), text, error);
    });
}
/** The summary of a session behind an append, for a store that has `summaries`; `previous` is empty at the first. */
inline result<std::string> fold_summary(std::string_view previous, std::string_view key, std::string_view entries) {
    return detail::call_for_text([&](char** text, auto error) {
        return claude_session_summary_fold(detail::c_text(previous).or_null(), detail::c_text(key),
                                           detail::c_text(entries), text, error);
    });
}
} // namespace session

/** `void(claude_log_level_t, std::string_view)`, on any thread. What it throws is dropped: a log has no caller. */
template <class Function> result<void> on_log(claude_log_level_t most, Function&& function) {
    auto* const kept = new detail::held_log{
        detail::function<void(claude_log_level_t, std::string_view)>(std::forward<Function>(function)), {}};
    return detail::call([&](auto error) {
        return claude_runtime_on_log(
            most,
            [](claude_log_level_t level, const char* text, std::size_t length, void* user_data) {
                auto& held = detail::held_log::of(user_data);
                held.run([&] {
                    held.object(level, {text, length});
                    return CLAUDE_OK;
                });
            },
            kept, detail::held_log::destroy, error);
    });
}
/** Before the first client connects, or behind `shutdown`. */
inline result<void> configure(claude_runtime_config_t config) {
    config.size = sizeof config;
    return detail::call([&](auto error) { return claude_runtime_configure(&config, error); });
}
inline result<void> shutdown(milliseconds time = std::chrono::seconds(30)) {
    return detail::call([&](auto error) { return claude_runtime_shutdown(detail::as_timeout(time), error); });
}
inline result<std::string> runtime_stats() {
    return detail::call_for_text([](char** text, auto error) { return claude_runtime_stats(text, error); });
}
inline result<std::string> probe(const options& wanted = {}, milliseconds time = std::chrono::seconds(30)) {
    return detail::call_for_text([&](char** text, auto error) {
        return claude_probe(wanted.json().c_str(), detail::as_timeout(time), text, error);
    });
}
inline std::string version() { return claude_version(); }
/** That of the library that is loaded: CLAUDE_ABI_VERSION when it serves this header. */
inline std::uint32_t abi_version() noexcept { return claude_abi_version(); }
inline std::string build_info() { return claude_build_info_json(); }

} // namespace CLAUDE_CXX_NAMESPACE
} // namespace claude

#endif // CLAUDE_CLIENT_HPP
