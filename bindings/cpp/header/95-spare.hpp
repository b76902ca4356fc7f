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

