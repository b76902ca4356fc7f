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
