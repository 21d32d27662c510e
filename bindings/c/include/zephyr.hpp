// libzephyr for C++17: objects that end themselves, exceptions instead of statuses. Header only, over zephyr.h, whose
// conventions hold here too.
//
//   Objects     are moved, not copied, and end when they go out of scope. What was moved from may only be destroyed or
//               assigned to.
//   Errors      are thrown as zephyr::error: the status, and a sentence.
//   Threads     as in C: const functions may be called by several threads at once, others by one at a time.

#ifndef ZEPHYR_HPP
#define ZEPHYR_HPP

#include <zephyr.h>

#include <stdexcept>
#include <string>

namespace zephyr {

/// Why a function could not do it.
class error : public std::runtime_error {
public:
    explicit error(zephyr_status status) : std::runtime_error(sentence(status)), status_(status) {}

    /// What the function answered in C.
    zephyr_status status() const noexcept { return status_; }

private:
    static std::string sentence(zephyr_status status) {
#ifdef ZEPHYR_IO
        std::size_t needed = 0;
        if (zephyr_last_error(nullptr, 0, &needed) == ZEPHYR_ERROR_BUFFER && needed > 1) {
            std::string detail(needed, '\0');
            if (zephyr_last_error(&detail[0], detail.size(), nullptr) == ZEPHYR_OK) {
                detail.resize(needed - 1);
                return detail;
            }
        }
#endif
        return zephyr_status_text(status);
    }

    zephyr_status status_;
};

/// Throws if it was not done.
inline void check(zephyr_status status) {
    if (status != ZEPHYR_OK) {
        throw error(status);
    }
}

/// Throws if the library doesn't fit the header: call it first.
inline void check_abi() { check(zephyr_check_abi(ZEPHYR_ABI_VERSION)); }

} // namespace zephyr

#endif
