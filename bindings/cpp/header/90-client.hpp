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

