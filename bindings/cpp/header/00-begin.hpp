/** @file claude_client.hpp
 * claude_client.h for C++17 and later: one header, no dependency. See docs/cpp.md.
 * Put together from bindings/cpp/header by bindings/generate; do not edit.
 *
 *     #include <claude_client.hpp>
 *     #include <iostream>
 *
 *     int main() {
 *         claude::client client(claude::options().system_prompt("Be brief."));
 *         client.connect();
 *         for (auto& event : client.ask("What is the capital of France?"))
 *             if (event.kind() == CLAUDE_MESSAGE_ASSISTANT) std::cout << event.text() << '\n';
 *     }
 *
 * Functions of yours (permissions, tools, hooks) run on the thread that waits in the client: in `next`, in the loop
 * over an answer, in a control function, in `pump` or `run`. The library itself calls no C++, so an exception of such a
 * function simply comes out of that wait; what it was asked is refused. Any function may be called from any thread.
 *
 * Failures are thrown as claude::error. With -fno-exceptions they are values: look at the claude::result that a
 * function returns, and at claude::answer::failure() behind its loop.
 */

#ifndef CLAUDE_CLIENT_HPP
#define CLAUDE_CLIENT_HPP

#include <claude_client.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <exception>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <locale>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#if defined(__cpp_exceptions) || defined(_CPPUNWIND)
#define CLAUDE_CXX_EXCEPTIONS 1
#define CLAUDE_CXX_RESULT
#define CLAUDE_CXX_NAMESPACE throwing
#else
#define CLAUDE_CXX_EXCEPTIONS 0
#define CLAUDE_CXX_RESULT [[nodiscard]]
#define CLAUDE_CXX_NAMESPACE returning
#endif

#if defined(__cpp_impl_coroutine) && defined(__has_include)
#if __has_include(<coroutine>)
#include <coroutine>
#define CLAUDE_CXX_COROUTINES 1
#endif
#endif
#ifndef CLAUDE_CXX_COROUTINES
#define CLAUDE_CXX_COROUTINES 0
#endif

namespace claude {
// Files with and without exceptions may be parts of one program.
inline namespace CLAUDE_CXX_NAMESPACE {

using milliseconds = std::chrono::milliseconds;
/** As a time: without a limit. */
inline constexpr milliseconds forever = milliseconds::max();

