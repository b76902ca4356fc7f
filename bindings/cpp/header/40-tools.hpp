// ---- Tools ----------------------------------------------------------------------------------------------------------

namespace detail {
using tool_function = std::function<void(tool_call)>;

/** The functions behind numbers; a number is the `user_data` of a tool. */
struct tool_table {
    std::mutex mutex;
    std::map<std::uintptr_t, tool_function> functions;
};

inline std::uintptr_t fresh_number() {
    static std::atomic<std::uintptr_t> last{0};
    return ++last;
}

inline void* as_user_data(std::uintptr_t number) { return reinterpret_cast<void*>(number); }
inline std::uintptr_t as_number(const void* user_data) { return reinterpret_cast<std::uintptr_t>(user_data); }

/** A function that returns the text of the answer, or one that owns the call and answers it when it likes. */
template <class Function> tool_function as_tool(Function&& given) {
    if constexpr (std::is_invocable_r_v<std::string, Function&, tool_call&>) {
        auto text_of = function<std::string(tool_call&)>(std::forward<Function>(given));
        return [text_of](tool_call call) {
#if CLAUDE_CXX_EXCEPTIONS
            try {
                call.finish(text_of(call));
            } catch (const std::exception& failed) {
                claude_tool_call_fail(call.native(), c_text(failed.what()), nullptr);
                throw;
            }
#else
            static_cast<void>(call.finish(text_of(call)));
#endif
        };
    } else {
        return function<void(tool_call)>(std::forward<Function>(given));
    }
}
} // namespace detail

/** Tools of yours, for one client or several. The model sees them as `mcp__<server>__<tool>`. */
class tool_server {
  public:
    static result<tool_server> create(std::string_view name, const value& options = object({})) {
        claude_mcp_server_t* made = nullptr;
        auto created = detail::call([&](auto error) {
            return claude_mcp_server_create(detail::c_text(name), options.json().c_str(), &made, error);
        });
        if (!created) return created.error();
        return tool_server(made);
    }
    claude_mcp_server_t* native() const noexcept { return handle_.get(); }

    /** `function` is `std::string(tool_call&)`, which returns the answer, or `void(tool_call)`, which owns the call. */
    template <class Function>
    result<void> tool(std::string_view name, std::string_view description, const value& input_schema,
                      Function&& function) {
        return describe(object({{"name", name}, {"description", description}, {"inputSchema", input_schema}}),
                        std::forward<Function>(function));
    }
    /** The same with the whole description of MCP: `annotations`, `max_concurrency` and so on. */
    template <class Function> result<void> describe(const value& tool, Function&& function) {
        const std::uintptr_t number = detail::fresh_number();
        {
            const std::lock_guard<std::mutex> lock(table_->mutex);
            table_->functions.emplace(number, detail::as_tool(std::forward<Function>(function)));
        }
        return detail::call([&](auto error) {
            return claude_mcp_server_add_tool(native(), tool.json().c_str(), nullptr, detail::as_user_data(number),
                                              nullptr, error);
        });
    }
    result<void> remove(std::string_view name) {
        return detail::call(
            [&](auto error) { return claude_mcp_server_remove_tool(native(), detail::c_text(name), error); });
    }

  private:
    friend class client;
    explicit tool_server(claude_mcp_server_t* owned) : handle_(owned), table_(std::make_shared<detail::tool_table>()) {}
    std::unique_ptr<claude_mcp_server_t, detail::deleter<claude_mcp_server_t, claude_mcp_server_free>> handle_;
    std::shared_ptr<detail::tool_table> table_;
};

