// A session store in memory, in C++ alone: for the runner of ../conformance, and as an example of one.
#ifndef STORE_HPP
#define STORE_HPP

#include <claude_client.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <tuple>

/** Keeps each append as it comes, and a summary for each session. */
class memory_store {
  public:
    /** The functions keep the store. */
    static claude::store_functions functions() {
        const auto store = std::make_shared<memory_store>();
        claude::store_functions all;
        all.append = [store](claude::store_call call, std::string_view entries) { store->append(call, entries); };
        all.load = [store](claude::store_call call) { store->load(call); };
        all.list = [store](claude::store_call call) {
            store->rows(call, [](const std::string& session, const kept& found) {
                return claude::object({{"session_id", session}, {"mtime", found.mtime}});
            });
        };
        all.summaries = [store](claude::store_call call) {
            store->rows(call, [](const std::string&, const kept& found) {
                return claude::value::raw(found.summary);
            });
        };
        all.remove = [store](claude::store_call call) { store->remove(call); };
        all.list_subkeys = [store](claude::store_call call) { store->list_subkeys(call); };
        return all;
    }

  private:
    using key = std::tuple<std::string, std::string, std::string>; // project, session, subpath
    struct kept {
        std::string entries; // without the brackets
        std::int64_t mtime = 0;
        std::string summary;
    };

    static key key_of(const claude::store_call& call) {
        return {call.project_key(), call.session_id(), call.subpath()};
    }

    void append(claude::store_call& call, std::string_view entries) {
        const auto of = key_of(call);
        const std::lock_guard<std::mutex> lock(mutex_);
        kept& all = kept_[of];
        const std::string_view more = entries.substr(1, entries.size() - 2);
        if (!all.entries.empty() && !more.empty()) all.entries += ',';
        all.entries += more;
        // Two appends within a millisecond are in their order all the same.
        using std::chrono::milliseconds, std::chrono::system_clock;
        const auto now = std::chrono::duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
        newest_ = std::max<std::int64_t>(now, newest_ + 1);
        all.mtime = newest_;
        if (std::get<2>(of).empty()) fold(all, call, entries);
        call.respond();
    }

    static void fold(kept& all, const claude::store_call& call, std::string_view entries) {
        const std::string made = claude::session::fold_summary(all.summary, call.key(), entries);
        all.summary = claude::object({{"session_id", call.session_id()},
                                      {"mtime", all.mtime},
                                      {"data", claude::value::raw(claude::get(made, "/data").value())}})
                          .json();
    }

    void load(claude::store_call& call) {
        const std::lock_guard<std::mutex> lock(mutex_);
        const auto found = kept_.find(key_of(call));
        if (found == kept_.end()) call.respond();
        else call.respond(claude::value::raw('[' + found->second.entries + ']'));
    }

    template <class Row> void rows(claude::store_call& call, Row&& row) {
        std::string list;
        const std::lock_guard<std::mutex> lock(mutex_);
        for (const auto& [of, found] : kept_)
            if (std::get<0>(of) == call.project_key() && std::get<2>(of).empty())
                list += (list.empty() ? "" : ",") + row(std::get<1>(of), found).json();
        call.respond(claude::value::raw('[' + list + ']'));
    }

    void remove(claude::store_call& call) {
        const auto gone = key_of(call);
        const std::lock_guard<std::mutex> lock(mutex_);
        for (auto at = kept_.begin(); at != kept_.end();)
            if (at->first == gone || (std::get<2>(gone).empty() && is_of(gone, at->first))) at = kept_.erase(at);
            else ++at;
        call.respond();
    }

    void list_subkeys(claude::store_call& call) {
        std::string list;
        const std::lock_guard<std::mutex> lock(mutex_);
        for (const auto& [of, found] : kept_)
            if (is_of(key_of(call), of) && !std::get<2>(of).empty())
                list += (list.empty() ? "" : ",") + claude::value(std::get<2>(of)).json();
        call.respond(claude::value::raw('[' + list + ']'));
    }

    static bool is_of(const key& session, const key& other) {
        return std::get<0>(session) == std::get<0>(other) && std::get<1>(session) == std::get<1>(other);
    }

    std::mutex mutex_;
    std::map<key, kept> kept_;
    std::int64_t newest_ = 0;
};

#endif // STORE_HPP
