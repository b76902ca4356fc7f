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

