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

