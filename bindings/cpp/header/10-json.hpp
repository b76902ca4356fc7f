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

