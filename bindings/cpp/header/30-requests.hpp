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

