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

