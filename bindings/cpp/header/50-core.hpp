// ---- Behind the client ----------------------------------------------------------------------------------------------

namespace detail {
#if CLAUDE_CXX_COROUTINES
using continuation = std::coroutine_handle<>;
#else
using continuation = void*; // there are none
#endif

/** Something that was begun and has an end. */
struct operation {
    bool over = false;
    claude_status_t status = CLAUDE_OK;
    std::string json;
    std::string withdraws{}; // a prompt that has no turn if this succeeds
    continuation waiting{};
};

/** A coroutine that waits for a message. */
struct reader {
    bool for_rest = false; // for the end of an answer that was left
    claude_status_t status = CLAUDE_OK;
    event got;
    continuation waiting{};
};

struct pulled {
    event got;
    continuation resumed{}; // of an operation that has ended
};

/** What the threads that use a client share. The client is in PULL mode; what is pulled goes to the functions of the
 *  host, to whoever waits for it, or to whoever reads. */
class core {
  public:
    explicit core(claude_client_t* client) : handle(client) {}

    claude_client_t* const handle;
    std::mutex mutex;
    std::mutex adding; // of servers
    std::function<void(request)> on_permission, on_request;
    std::function<void(std::uint64_t)> on_cancelled;
    std::function<void(event&)> on_message;
    std::map<std::uintptr_t, std::function<void(request)>> on_named; // hooks and MCP handlers
    std::vector<std::shared_ptr<tool_table>> tools;
    std::map<std::uintptr_t, std::shared_ptr<operation>> operations;
    std::deque<reader*> readers;
    std::deque<event> unread; // pulled for a reader that was gone then
    std::string abandoned;    // the prompt whose answer nobody reads any more
    bool answering = false;
    bool woken = false;
    std::exception_ptr thrown; // by a function that the library called

    /** Begins an operation: `begin` gets its user_data. */
    template <class Begin> result<std::shared_ptr<operation>> start(Begin&& begin) {
        const auto made = std::make_shared<operation>();
        const std::uintptr_t number = fresh_number();
        {
            const std::lock_guard<std::mutex> lock(mutex);
            operations.emplace(number, made);
        }
        claude_error_t* failed = nullptr;
        const claude_status_t status = begin(as_user_data(number), &failed);
        if (status == CLAUDE_OK) return made;
        {
            const std::lock_guard<std::mutex> lock(mutex);
            operations.erase(number);
        }
        return fail<std::shared_ptr<operation>>(failure(status, failed));
    }

    /** The end of an operation; meanwhile requests are answered, and messages stay where they are. */
    result<std::string> finish(const std::shared_ptr<operation>& begun, milliseconds time) {
        const moment end = ends_in(time);
        for (;;) {
            pulled one;
            claude_error_t* failed = nullptr;
            const claude_status_t status = pull(CLAUDE_LANE_REQUESTS, end, [&] { return begun->over; }, one, &failed);
            if (status != CLAUDE_OK) return fail<std::string>(failure(status, failed));
            handled(one);
            const std::lock_guard<std::mutex> lock(mutex);
            if (!begun->over) continue;
            if (begun->status == CLAUDE_OK) return begun->json;
            return fail<std::string>(error(begun->status, begun->json));
        }
    }

    /** The next event that is for the one who reads. Empty: the time is over, or `wake`. */
    result<event> next(const moment& end) {
        for (;;) {
            pulled one;
            claude_error_t* failed = nullptr;
            const claude_status_t status =
                pull(CLAUDE_LANE_ALL, end, [&] { return std::exchange(woken, false); }, one, &failed);
            if (status == CLAUDE_ERR_TIMEOUT) {
                claude_error_free(failed);
                return event();
            }
            if (status != CLAUDE_OK) return fail<event>(failure(status, failed));
            if (!one.got || (!handled(one) && !is_rest(one.got))) return std::move(one.got);
        }
    }

    /** Pulls one event of these lanes; none where `enough` holds. One thread at a time is in claude_client_next, and
     *  the others wait for it here, so that whoever gets an event can tell the one that it is for. */
    template <class Enough>
    claude_status_t pull(claude_lanes_t lanes, const moment& end, Enough enough, pulled& one, claude_error_t** failed) {
        std::unique_lock<std::mutex> lock(mutex);
        const int reads = (lanes & CLAUDE_LANE_MESSAGES) != 0 ? 1 : 0;
        reading_ += reads;
        claude_status_t status;
        for (;;) {
            status = CLAUDE_OK;
            if (thrown || enough()) break;
            if (reads != 0 && !unread.empty()) {
                one.got = std::move(unread.front());
                unread.pop_front();
                break;
            }
            if (pulling_ || (reads == 0 && reading_ > 0)) {
                // What that thread waits for is not enough: it returns, and this one takes its place.
                if (pulling_ && (lanes & ~pulled_lanes_) != 0) claude_client_wake(handle, nullptr);
                if (!end) changed_.wait(lock);
                else if (changed_.wait_until(lock, *end) == std::cv_status::timeout) {
                    status = CLAUDE_ERR_TIMEOUT;
                    break;
                }
                continue;
            }
            pulling_ = true;
            pulled_lanes_ = lanes;
            lock.unlock();
            claude_event_t* got = nullptr;
            status = claude_client_next(handle, lanes, left(end), &got, failed);
            lock.lock();
            pulling_ = false;
            changed_.notify_all();
            if (status == CLAUDE_OK) {
                one.got = event(got);
                settle(one);
            }
            if (status != CLAUDE_ERR_CANCELLED) break;
            claude_error_free(std::exchange(*failed, nullptr));
        }
        reading_ -= reads;
        changed_.notify_all();
#if CLAUDE_CXX_EXCEPTIONS
        if (thrown && !one.got) {
            claude_error_free(std::exchange(*failed, nullptr));
            std::rethrow_exception(std::exchange(thrown, nullptr));
        }
#endif
        return status;
    }

    /** Waits for the end of an answer that nobody reads any more. */
    result<void> drain(const moment& end) {
        for (;;) {
            {
                const std::lock_guard<std::mutex> lock(mutex);
                if (abandoned.empty()) return {};
            }
            pulled one;
            claude_error_t* failed = nullptr;
            const claude_status_t status = pull(CLAUDE_LANE_ALL, end, [] { return false; }, one, &failed);
            if (status != CLAUDE_OK) return fail<void>(failure(status, failed));
            if (!handled(one) && !is_rest(one.got)) put_back(std::move(one.got));
        }
    }

    /** Gives one event to whom it is for. CLAUDE_ERR_CANCELLED: `wake`. */
    claude_status_t pump_one(claude_lanes_t lanes, const moment& end) {
        pulled one;
        claude_error_t* failed = nullptr;
        const claude_status_t status = pull(lanes, end, [&] { return std::exchange(woken, false); }, one, &failed);
        const owned_error kept(failed);
        if (status == CLAUDE_ERR_CLOSED && (lanes & CLAUDE_LANE_MESSAGES) != 0)
            while (tell_reader(status, event(), false) || tell_reader(status, event(), true)) {}
        if (status != CLAUDE_OK) return status;
        if (!one.got) return CLAUDE_ERR_CANCELLED;
        if (handled(one) || is_rest(one.got)) {
            while (copy_of(abandoned).empty() && tell_reader(CLAUDE_OK, event(), true)) {}
            return CLAUDE_OK;
        }
        if (tell_reader(CLAUDE_OK, std::move(one.got), false)) return CLAUDE_OK;
        if (const auto function = copy_of(on_message)) function(one.got);
        else put_back(std::move(one.got));
        return CLAUDE_OK;
    }

    /** Gives all that has come to whom it is for, and waits up to `time` for the first of it. False: there will be no
     *  more. */
    template <class Lanes> bool pump(milliseconds time, std::chrono::microseconds budget, Lanes lanes) {
        const bool limited = budget < std::chrono::hours(24);
        const auto begun = clock::now();
        for (auto end = ends_in(time);; end = begun) {
            const auto status = pump_one(lanes(), end);
            if (status == CLAUDE_ERR_TIMEOUT || status == CLAUDE_ERR_CANCELLED) return true;
            if (status != CLAUDE_OK) return false;
            if (limited && clock::now() - begun >= budget) return true;
        }
    }

    void wake() {
        const std::lock_guard<std::mutex> lock(mutex);
        woken = true;
        claude_client_wake(handle, nullptr);
        changed_.notify_all();
    }

    /** Keeps an exception of a function that the library called, until a thread waits. */
    void keep(std::exception_ptr exception) {
        const std::lock_guard<std::mutex> lock(mutex);
        thrown = std::move(exception);
        claude_client_wake(handle, nullptr);
        changed_.notify_all();
    }

    /** Gives an event to the function that it is for. False: it is for the one who reads. */
    bool handled(pulled& one) {
        switch (one.got.kind()) {
        case CLAUDE_EVENT_DONE:
#if CLAUDE_CXX_COROUTINES
            if (one.resumed) one.resumed.resume();
#endif
            return true;
        case CLAUDE_EVENT_REQUEST: {
            claude_request_t* taken = nullptr;
            if (claude_event_take_request(one.got.native(), &taken, nullptr) != CLAUDE_OK) return true;
            request asked(taken); // refused when nobody has taken it
            if (const auto function = asked_function(one.got.info())) function(std::move(asked));
            return true;
        }
        case CLAUDE_EVENT_TOOL_CALL: {
            claude_tool_call_t* taken = nullptr;
            if (claude_event_take_tool_call(one.got.native(), &taken, nullptr) != CLAUDE_OK) return true;
            tool_call asked(taken);
            if (const auto function = tool_behind(as_number(one.got.info().user_data))) function(std::move(asked));
            return true;
        }
        case CLAUDE_EVENT_REQUEST_CANCELLED:
        case CLAUDE_EVENT_TOOL_CALL_CANCELLED:
            if (const auto function = copy_of(on_cancelled)) function(one.got.info().id);
            return true;
        default: return false;
        }
    }

    /** A function as it is now: another thread may replace it. */
    template <class Function> Function copy_of(const Function& function) {
        const std::lock_guard<std::mutex> lock(mutex);
        return function;
    }

    /** Whether it belongs to an answer that nobody reads any more. */
    bool is_rest(const event& pulled) {
        const std::lock_guard<std::mutex> lock(mutex);
        if (abandoned.empty()) return false;
        if (pulled.kind() == CLAUDE_EVENT_CLOSED) {
            abandoned.clear();
            return false;
        }
        if (ends_turn_of(pulled, abandoned)) abandoned.clear();
        return true;
    }

    static bool ends_turn_of(const event& pulled, const std::string& prompt) {
        if (pulled.kind() == CLAUDE_EVENT_TURN_ENDED)
            return pulled.get("/prompts").value_or("").find(prompt) != std::string::npos;
        return pulled.kind() == CLAUDE_MESSAGE_COMMAND_LIFECYCLE && pulled.get("/command_uuid") == prompt &&
               pulled.get("/state") == std::string("cancelled");
    }

  private:
    /** Resumes the first coroutine that waits, if one does; `got` is untouched if none does. */
    bool tell_reader(claude_status_t status, event&& got, bool for_rest) {
#if CLAUDE_CXX_COROUTINES
        std::unique_lock<std::mutex> lock(mutex);
        for (auto at = readers.begin(); at != readers.end(); ++at) {
            reader* const found = *at;
            if (found->for_rest != for_rest) continue;
            readers.erase(at);
            found->status = status;
            found->got = std::move(got);
            const auto waiting = found->waiting;
            lock.unlock();
            waiting.resume();
            return true;
        }
#else
        static_cast<void>(status), static_cast<void>(got), static_cast<void>(for_rest);
#endif
        return false;
    }

    void put_back(event&& got) {
        const std::lock_guard<std::mutex> lock(mutex);
        if (got) unread.push_back(std::move(got));
    }

    /** Under the lock: an operation that has ended, so that nobody misses its end. */
    void settle(pulled& one) {
        if (one.got.kind() != CLAUDE_EVENT_DONE) return;
        const auto found = operations.find(as_number(one.got.info().user_data));
        if (found == operations.end()) return;
        found->second->over = true;
        found->second->status = one.got.info().status;
        found->second->json = std::string(one.got.json());
        one.resumed = std::exchange(found->second->waiting, nullptr);
        if (!abandoned.empty() && found->second->withdraws == abandoned &&
            claude::get(found->second->json, "/cancelled") == std::string("true"))
            abandoned.clear();
        operations.erase(found);
    }

    std::function<void(request)> asked_function(const claude_event_info_t& info) {
        const std::lock_guard<std::mutex> lock(mutex);
        if (const auto named = on_named.find(as_number(info.user_data)); named != on_named.end()) return named->second;
        return info.request_kind == CLAUDE_REQUEST_PERMISSION && on_permission ? on_permission : on_request;
    }

    tool_function tool_behind(std::uintptr_t number) {
        const std::lock_guard<std::mutex> lock(mutex);
        for (const auto& table : tools) {
            const std::lock_guard<std::mutex> inner(table->mutex);
            if (const auto found = table->functions.find(number); found != table->functions.end()) return found->second;
        }
        return nullptr;
    }

    std::condition_variable changed_;
    bool pulling_ = false;
    claude_lanes_t pulled_lanes_ = CLAUDE_LANE_ALL;
    int reading_ = 0;
};
} // namespace detail

