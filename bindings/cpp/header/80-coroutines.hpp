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

