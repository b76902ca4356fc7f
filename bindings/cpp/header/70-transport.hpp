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

