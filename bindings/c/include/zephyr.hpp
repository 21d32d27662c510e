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

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

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

using bytes = std::vector<std::uint8_t>;
/// An id, a hash, or a key.
using bytes32 = std::array<std::uint8_t, 32>;
using tag = std::array<std::uint8_t, ZEPHYR_TAG_SIZE>;

namespace detail {

/// An object of C in memory of its own, which is wiped with it.
template <class T, std::size_t Size, zephyr_status (*Wipe)(T *)> class object {
public:
    object(object &&other) noexcept
        : memory_(std::move(other.memory_)), handle_(std::exchange(other.handle_, nullptr)) {}

    object &operator=(object &&other) noexcept {
        if (this != &other) {
            Wipe(handle_);
            memory_ = std::move(other.memory_);
            handle_ = std::exchange(other.handle_, nullptr);
        }
        return *this;
    }

    object(const object &) = delete;
    object &operator=(const object &) = delete;

    /// For functions of C.
    const T *c() const noexcept { return handle_; }
    T *c() noexcept { return handle_; }

protected:
    object() : memory_(new unsigned char[Size]) {}
    ~object() { Wipe(handle_); }

    void *memory() noexcept { return memory_.get(); }
    static constexpr std::size_t size() noexcept { return Size; }
    T **out() noexcept { return &handle_; }

private:
    std::unique_ptr<unsigned char[]> memory_;
    T *handle_ = nullptr;
};

/// What a function of C writes into a buffer of so many bytes.
template <class F> bytes filled(std::size_t len, F call) {
    bytes out(len);
    std::size_t needed = 0;
    check(call(out.data(), out.size(), &needed));
    out.resize(needed);
    return out;
}

/// The same for text.
template <class F> std::string text(std::size_t len, F call) {
    std::string out(len, '\0');
    std::size_t needed = 0;
    check(call(&out[0], out.size(), &needed));
    out.resize(needed - 1);
    return out;
}

} // namespace detail

/// The system's random numbers.
inline zephyr_random system_random() noexcept { return zephyr_random{nullptr, nullptr}; }

// ---- Addresses ----

/// The canonical form of an address.
inline std::string canonical(const std::string &address) {
    return detail::text(ZEPHYR_ADDRESS_MAX + 1, [&](char *out, std::size_t len, std::size_t *needed) {
        return zephyr_address_canonical(address.c_str(), out, len, needed);
    });
}

/// The mailbox, of so many, of an address.
inline std::uint32_t mailbox_of(const std::string &address, const bytes32 &network, std::uint32_t mailboxes) {
    std::uint32_t out = 0;
    check(zephyr_address_mailbox(address.c_str(), network.data(), mailboxes, &out));
    return out;
}

/// An address in a network with its two points on the curve.
class identity : public detail::object<zephyr_identity, ZEPHYR_IDENTITY_SIZE, zephyr_identity_wipe> {
public:
    identity(const bytes32 &network, const std::string &address) {
        check(zephyr_identity_init(memory(), size(), network.data(), address.c_str(), out()));
    }

    std::string address() const {
        return detail::text(ZEPHYR_ADDRESS_MAX + 1, [&](char *out, std::size_t len, std::size_t *needed) {
            return zephyr_identity_address(c(), out, len, needed);
        });
    }
};

// ---- What everybody agrees on ----

/// A manifest, with its bytes.
class manifest : public detail::object<zephyr_manifest, ZEPHYR_MANIFEST_SIZE, zephyr_manifest_wipe> {
public:
    explicit manifest(bytes data) : data_(std::move(data)) {
        check(zephyr_manifest_init(memory(), size(), data_.data(), data_.size(), out()));
    }

    bytes32 network() const {
        bytes32 id;
        check(zephyr_manifest_network(c(), id.data()));
        return id;
    }

    bytes32 hash() const {
        bytes32 hash;
        check(zephyr_manifest_hash(c(), hash.data()));
        return hash;
    }

    zephyr_parameters parameters() const {
        zephyr_parameters parameters;
        check(zephyr_manifest_parameters(c(), &parameters));
        return parameters;
    }

    /// The servers of a role (ZEPHYR_ROLE_...).
    std::vector<zephyr_server> servers(std::uint32_t role) const {
        std::size_t count = 0;
        check(zephyr_manifest_servers(c(), role, &count));
        std::vector<zephyr_server> servers(count);
        for (std::size_t i = 0; i < count; i++) {
            check(zephyr_manifest_server(c(), role, i, &servers[i]));
        }
        return servers;
    }

    /// The next version, if this is it, signed as it must be.
    manifest next(const bytes &signed_manifest) const {
        std::size_t len = 0;
        check(zephyr_manifest_verify_next(c(), signed_manifest.data(), signed_manifest.size(), &len));
        return manifest(bytes(signed_manifest.begin(), signed_manifest.begin() + static_cast<std::ptrdiff_t>(len)));
    }

private:
    bytes data_; // a vector that is moved keeps its bytes where they are
};

/// A round whose directory was verified.
class round : public detail::object<zephyr_round, ZEPHYR_ROUND_SIZE, zephyr_round_wipe> {
public:
    round(const manifest &network, const bytes &directory, bool verify_proofs = true) {
        check(zephyr_round_init(memory(), size(), network.c(), directory.data(), directory.size(), verify_proofs,
                                out()));
    }

    /// A round from what messages are bound to, for programs that verify directories in their own way.
    static round from_keys(const bytes32 &network, std::uint64_t number, const bytes32 &directory,
                           const bytes &pkg_keys) {
        round made;
        check(zephyr_round_init_from_keys(made.memory(), size(), network.data(), number, directory.data(),
                                          pkg_keys.data(), pkg_keys.size(), made.out()));
        return made;
    }

    std::uint64_t number() const {
        std::uint64_t number = 0;
        check(zephyr_round_number(c(), &number));
        return number;
    }

    bytes32 directory() const {
        bytes32 hash;
        check(zephyr_round_directory(c(), hash.data()));
        return hash;
    }

    zephyr_schedule schedule() const {
        zephyr_schedule schedule;
        check(zephyr_round_schedule(c(), &schedule));
        return schedule;
    }

    std::vector<zephyr_hop> mixers() const {
        std::vector<zephyr_hop> hops(ZEPHYR_MAX_MIXERS);
        std::size_t count = 0;
        check(zephyr_round_mixers(c(), hops.data(), hops.size(), &count));
        hops.resize(count);
        return hops;
    }

    /// A route for one packet.
    std::vector<zephyr_hop> route(const zephyr_random &random = system_random()) const {
        std::vector<zephyr_hop> hops(ZEPHYR_MAX_HOPS);
        std::size_t count = 0;
        check(zephyr_round_route(c(), &random, hops.data(), hops.size(), &count));
        hops.resize(count);
        return hops;
    }

private:
    round() = default;
};

// ---- Keys ----

/// A user's private key in one round, from the shares of all PKGs one after the other.
class private_key : public detail::object<zephyr_private_key, ZEPHYR_PRIVATE_KEY_SIZE, zephyr_private_key_wipe> {
public:
    private_key(const round &round, const identity &owner, const bytes &shares) {
        check(zephyr_private_key_init(memory(), size(), round.c(), owner.c(), shares.data(), shares.size(), out()));
    }
};

/// The key of one direction between two people in one round.
class sender_key : public detail::object<zephyr_sender_key, ZEPHYR_SENDER_KEY_SIZE, zephyr_sender_key_wipe> {
public:
    /// Under which the owner of `key` writes to `recipient`.
    static sender_key to(const private_key &key, const identity &recipient) {
        sender_key made;
        check(zephyr_sender_key_init_to(made.memory(), size(), key.c(), recipient.c(), made.out()));
        return made;
    }

    /// Under which the owner of `key` gets messages of `sender`.
    static sender_key from(const private_key &key, const identity &sender) {
        sender_key made;
        check(zephyr_sender_key_init_from(made.memory(), size(), key.c(), sender.c(), made.out()));
        return made;
    }

    zephyr::tag tag(std::uint16_t slot) const {
        zephyr::tag tag;
        check(zephyr_sender_key_tag(c(), slot, tag.data()));
        return tag;
    }

private:
    sender_key() = default;
};

// ---- Messages ----

/// A text of one fragment. The payload points to `text`, which must outlive it.
inline zephyr_payload text_payload(const std::string &text, std::uint64_t message, std::uint16_t slot = 0) noexcept {
    zephyr_payload payload{};
    payload.content = ZEPHYR_CONTENT_TEXT;
    payload.slot = slot;
    payload.fragments = 1;
    payload.message = message;
    payload.body = reinterpret_cast<const std::uint8_t *>(text.data());
    payload.body_len = text.size();
    return payload;
}

/// Seals a payload; without a key to the recipient, anonymously.
inline bytes seal(const round &round, const identity &recipient, const sender_key *key, const zephyr_payload &payload,
                  std::size_t payload_len, const zephyr_hedge *hedge = nullptr,
                  const zephyr_random &random = system_random()) {
    return detail::filled(ZEPHYR_SEALED_LEN(payload_len), [&](std::uint8_t *out, std::size_t len, std::size_t *needed) {
        return zephyr_seal(round.c(), recipient.c(), key == nullptr ? nullptr : key->c(), &payload, payload_len,
                           &random, hedge, out, len, needed);
    });
}

/// A cover message.
inline bytes cover(std::size_t payload_len, const zephyr_random &random = system_random()) {
    return detail::filled(ZEPHYR_SEALED_LEN(payload_len), [&](std::uint8_t *out, std::size_t len, std::size_t *needed) {
        return zephyr_cover(payload_len, &random, out, len, needed);
    });
}

/// What was in a message. Its fields are those of the payload, whose body stands in `body`.
class opened {
public:
    /// Who sent it, proven; empty if it is anonymous.
    std::string sender;
    bytes body;
    /// The other fields; its pointer is NULL.
    zephyr_payload payload;

    explicit opened(const zephyr_opened &from)
        : sender(from.sender), body(from.payload.body, from.payload.body + from.payload.body_len),
          payload(from.payload) {
        payload.body = nullptr;
    }

    std::string text() const { return std::string(body.begin(), body.end()); }
};

namespace detail {

/// "Not mine" is no error.
inline std::optional<opened> opened_or_not(zephyr_status status, const zephyr_opened &from) {
    if (status == ZEPHYR_ERROR_NOT_MINE) {
        return std::nullopt;
    }
    check(status);
    return opened(from);
}

} // namespace detail

/// Tries to open a message that bears no known tag. None: it is somebody else's, or damaged.
inline std::optional<opened> open(const round &round, const private_key &key, bytes message) {
    zephyr_opened from{};
    zephyr_status status = zephyr_open(round.c(), key.c(), message.data(), message.size(), &from);
    return detail::opened_or_not(status, from);
}

/// Opens a message that bears the tag of this slot and sender. None: it is not theirs, or damaged.
inline std::optional<opened> open_from(const round &round, const private_key &key, const sender_key &sender,
                                       std::uint16_t slot, bytes message) {
    zephyr_opened from{};
    zephyr_status status =
        zephyr_open_from(round.c(), key.c(), sender.c(), slot, message.data(), message.size(), &from);
    return detail::opened_or_not(status, from);
}

/// What one mixer delivered to one mailbox.
class delivery_list
    : public detail::object<zephyr_delivery_list, ZEPHYR_DELIVERY_LIST_SIZE, zephyr_delivery_list_wipe> {
public:
    delivery_list() { check(zephyr_delivery_list_init(memory(), size(), out())); }

    void push(const bytes &message) { check(zephyr_delivery_list_push(c(), message.data(), message.size())); }

    /// Whether the signature under the list is the mixer's.
    bool verify(const bytes32 &mixer_id, const bytes32 &directory, std::uint16_t mixer, std::uint32_t mailbox,
                const std::array<std::uint8_t, ZEPHYR_LIST_SIGNATURE_LEN> &signature) const {
        zephyr_status status = zephyr_delivery_list_verify(c(), mixer_id.data(), directory.data(), mixer, mailbox,
                                                           signature.data());
        if (status != ZEPHYR_ERROR_SIGNATURE) {
            check(status);
        }
        return status == ZEPHYR_OK;
    }
};

// ---- Packets ----

/// Wraps a sealed message into a packet.
inline bytes wrap(std::size_t hops, std::size_t payload_len, const bytes32 &directory,
                  const std::vector<zephyr_hop> &route, std::uint32_t mailbox, const bytes &sealed,
                  const zephyr_hedge *hedge = nullptr, const zephyr_random &random = system_random()) {
    return detail::filled(ZEPHYR_PACKET_LEN(hops, payload_len),
                          [&](std::uint8_t *out, std::size_t len, std::size_t *needed) {
                              return zephyr_wrap(hops, payload_len, directory.data(), route.data(), route.size(),
                                                 mailbox, sealed.data(), sealed.size(), &random, hedge, out, len,
                                                 needed);
                          });
}

/// A mixer in one round.
class mixer : public detail::object<zephyr_mixer, ZEPHYR_MIXER_SIZE, zephyr_mixer_wipe> {
public:
    mixer(std::size_t hops, std::size_t payload_len, const bytes32 &directory, const bytes32 &secret) {
        check(zephyr_mixer_init(memory(), size(), hops, payload_len, directory.data(), secret.data(), out()));
    }

    /// The public key that goes with a secret.
    static bytes32 key(const bytes32 &secret) {
        bytes32 key;
        check(zephyr_mixer_key(secret.data(), key.data()));
        return key;
    }

    /// Peels one layer, in place. None: the packet is none for this mixer and position, drop it.
    std::optional<zephyr_next> peel(std::size_t position, bytes &packet) const {
        zephyr_next next{};
        zephyr_status status = zephyr_mixer_peel(c(), position, packet.data(), packet.size(), &next);
        if (status == ZEPHYR_ERROR_PACKET) {
            return std::nullopt;
        }
        check(status);
        return next;
    }
};

// ---- The session without I/O ----

/// Bytes that belong to somebody else.
struct view {
    const std::uint8_t *data;
    std::size_t len;
};

/// The numbers and acknowledgements between the user and one contact. Save it after every call that changes it, before
/// anything follows from that.
class conversation
    : public detail::object<zephyr_conversation, ZEPHYR_CONVERSATION_SIZE, zephyr_conversation_wipe> {
public:
    /// With somebody who has just become a contact.
    explicit conversation(std::uint64_t now_ms) {
        check(zephyr_conversation_init(memory(), size(), now_ms, out()));
    }

    /// As it was saved.
    explicit conversation(const bytes &saved) {
        check(zephyr_conversation_load(memory(), size(), saved.data(), saved.size(), out()));
    }

    bytes save() const {
        return detail::filled(ZEPHYR_CONVERSATION_SAVED_LEN,
                              [&](std::uint8_t *out, std::size_t len, std::size_t *needed) {
                                  return zephyr_conversation_save(c(), out, len, needed);
                              });
    }

    /// The number of a message's first fragment.
    std::uint32_t push(std::uint16_t fragments, std::uint64_t now_ms) {
        std::uint32_t first = 0;
        check(zephyr_conversation_push(c(), fragments, now_ms, &first));
        return first;
    }

    /// What goes into a slot; nothing: cover.
    std::optional<zephyr_draft> fill(std::uint64_t round, std::uint32_t slot, std::uint64_t resend_after) {
        zephyr_draft draft;
        zephyr_status status = zephyr_conversation_fill(c(), round, slot, resend_after, &draft);
        if (status == ZEPHYR_ERROR_SLOT) {
            return std::nullopt;
        }
        check(status);
        return draft;
    }

    /// Takes in what an event says about a slot or a round. Other events change nothing.
    void note(const zephyr_event &event) {
        switch (event.kind) {
        case ZEPHYR_EVENT_SLOT_SENT: return check(zephyr_conversation_sent(c(), event.round, event.slot));
        case ZEPHYR_EVENT_SLOT_FAILED: return failed(event.round, event.slot);
        case ZEPHYR_EVENT_MISSED_VOID: return check(zephyr_conversation_void(c(), event.round));
        default: return;
        }
    }

    /// session::fill gave false.
    void failed(std::uint64_t round, std::uint32_t slot) {
        check(zephyr_conversation_failed(c(), round, slot));
    }

    zephyr_arrival receive(const zephyr_fragment &fragment) {
        zephyr_arrival arrival;
        check(zephyr_conversation_receive(c(), &fragment, &arrival));
        return arrival;
    }

    void restart(std::uint32_t stream, std::uint32_t fragments) {
        check(zephyr_conversation_restart(c(), stream, fragments));
    }

    void forget() { check(zephyr_conversation_forget(c())); }
};

/// One exchange with one PKG, over a connection of its own.
class registration
    : public detail::object<zephyr_registration, ZEPHYR_REGISTRATION_SIZE, zephyr_registration_wipe> {
public:
    /// `task` is one of ZEPHYR_TASK_..., `code` only for ZEPHYR_TASK_CONFIRM. Throws ZEPHYR_ERROR_SERVER if there is no
    /// such PKG.
    registration(const bytes &manifest, std::uint32_t pkg, const std::string &address, const bytes32 &seed,
                 std::uint32_t task, const std::string &code = {}, const zephyr_random &random = system_random()) {
        check(zephyr_registration_init(memory(), size(), manifest.data(), manifest.size(), pkg, address.c_str(),
                                       seed.data(), task, code.c_str(), &random, out()));
    }

    /// The PKG's name, its address, and the fingerprint of the user's key for it.
    std::string name() const { return text(zephyr_registration_name); }
    std::string server() const { return text(zephyr_registration_server); }
    std::string fingerprint() const { return text(zephyr_registration_fingerprint); }

    view to_send() const {
        view out{};
        check(zephyr_registration_to_send(c(), &out.data, &out.len));
        return out;
    }

    void sent(std::size_t n) { check(zephyr_registration_sent(c(), n)); }

    /// Throws ZEPHYR_ERROR_LINK if the server is not the PKG: close the connection.
    void received(const std::uint8_t *data, std::size_t len) {
        check(zephyr_registration_received(c(), data, len));
    }

    /// Of the kind ZEPHYR_ANSWER_NONE as long as there is none.
    zephyr_answer answer() const {
        zephyr_answer answer;
        check(zephyr_registration_answer(c(), &answer));
        return answer;
    }

private:
    std::string text(zephyr_status (*get)(const zephyr_registration *, char *, std::size_t, std::size_t *)) const {
        return detail::text(256, [&](char *out, std::size_t len, std::size_t *needed) {
            return get(c(), out, len, needed);
        });
    }
};

/// The client in its rounds, for programs with sockets of their own. It is driven as in C: poll() until it says
/// ZEPHYR_ACTION_NONE, after everything that happens.
class session {
public:
    session(const zephyr_session_settings &settings, std::uint64_t now_ms) {
        std::size_t size = 0;
        check(zephyr_session_size(&settings, &size));
        memory_.reset(new unsigned char[size]);
        check(zephyr_session_init(memory_.get(), size, &settings, now_ms, &handle_));
    }

    session(session &&other) noexcept
        : memory_(std::move(other.memory_)), handle_(std::exchange(other.handle_, nullptr)) {}

    session &operator=(session &&other) noexcept {
        if (this != &other) {
            zephyr_session_wipe(handle_);
            memory_ = std::move(other.memory_);
            handle_ = std::exchange(other.handle_, nullptr);
        }
        return *this;
    }

    session(const session &) = delete;
    session &operator=(const session &) = delete;
    ~session() { zephyr_session_wipe(handle_); }

    void add_contact(const std::string &address) { check(zephyr_session_add_contact(handle_, address.c_str())); }
    void remove_contact(const std::string &address) {
        check(zephyr_session_remove_contact(handle_, address.c_str()));
    }
    void set_next(const bytes &signed_manifest) {
        check(zephyr_session_set_next(handle_, signed_manifest.data(), signed_manifest.size()));
    }

    std::size_t fragment_len() const {
        std::size_t len = 0;
        check(zephyr_session_fragment_len(handle_, &len));
        return len;
    }

    std::uint64_t resend_after() const {
        std::uint64_t rounds = 0;
        check(zephyr_session_resend_after(handle_, &rounds));
        return rounds;
    }

    /// What is to be done next. Its pointers live until the session is used again.
    zephyr_action poll(std::uint64_t now_ms) {
        zephyr_action action;
        check(zephyr_session_poll(handle_, now_ms, &action));
        return action;
    }

    /// When to poll again at the latest, in milliseconds since 1970.
    std::uint64_t wake_up() const {
        std::uint64_t ms = 0;
        check(zephyr_session_wake_up(handle_, &ms));
        return ms;
    }

    /// `false` if the slot carries cover after all: tell the conversation with failed().
    bool fill(std::uint64_t round, std::uint32_t slot, const std::optional<zephyr_draft> &draft) {
        zephyr_status status = zephyr_session_fill(handle_, round, slot, draft ? &*draft : nullptr);
        if (status == ZEPHYR_ERROR_SLOT) {
            return false;
        }
        check(status);
        return true;
    }

    /// What a connection's socket did. Of no effect if the session has closed the connection in the meantime.
    void connected(std::uint32_t connection) { alive(zephyr_session_connected(handle_, connection)); }
    void sent(std::uint32_t connection, std::size_t n) { alive(zephyr_session_sent(handle_, connection, n)); }
    void failed(std::uint32_t connection, std::uint64_t now_ms) {
        alive(zephyr_session_failed(handle_, connection, now_ms));
    }

    /// How many of the bytes there was room for: poll before giving it the rest.
    std::size_t received(std::uint32_t connection, const std::uint8_t *data, std::size_t len) {
        std::size_t taken = len;
        alive(zephyr_session_received(handle_, connection, data, len, &taken));
        return taken;
    }

    /// What waits to be sent.
    view to_send(std::uint32_t connection) const {
        view out{};
        alive(zephyr_session_to_send(handle_, connection, &out.data, &out.len));
        return out;
    }

    /// For functions of C.
    zephyr_session *c() noexcept { return handle_; }

private:
    static void alive(zephyr_status status) {
        if (status != ZEPHYR_ERROR_CONNECTION) {
            check(status);
        }
    }

    std::unique_ptr<unsigned char[]> memory_;
    zephyr_session *handle_ = nullptr;
};

#ifdef ZEPHYR_IO
/// The manifest that is in effect now, from the text of a network file.
inline bytes network_manifest(const std::string &network_text, std::uint64_t now_ms) {
    return detail::filled(65536, [&](std::uint8_t *out, std::size_t len, std::size_t *needed) {
        return zephyr_network_manifest(network_text.c_str(), now_ms, out, len, needed);
    });
}
#endif

// ---- The client with I/O inside ----

#ifdef ZEPHYR_IO

/// A client with I/O inside: a home in a folder, and threads that work for it. All its const functions may be called by
/// all threads at any time.
class client {
public:
    using clock = std::chrono::system_clock;

    /// A message that came.
    struct message {
        std::uint64_t id;           ///< Greater than that of all that came before.
        std::string from;           ///< Who provably sent it; empty if it is anonymous.
        std::string body;           ///< Its contents.
        std::uint64_t round;        ///< The round that brought the last part of it.
        clock::time_point received; ///< When that was.
        bool is_text;               ///< Whether it is a text: then it is UTF-8.
        bool seen;                  ///< Whether it was marked as seen.

        explicit message(const zephyr_inbox_message &raw)
            : id(raw.id), from(text(raw.from)),
              body(reinterpret_cast<const char *>(raw.body), raw.body_len), round(raw.round),
              received(time(raw.received_at_ms)), is_text(raw.is_text), seen(raw.seen) {}
    };

    /// A message in the outbox.
    struct outgoing {
        std::string to;              ///< To whom it goes.
        zephyr_delivery delivery;    ///< How far it has come, and its number.
        std::uint64_t len;           ///< Its length in bytes.
        std::uint32_t fragments;     ///< How many parts it has.
        clock::time_point created;   ///< When it was written.
        clock::time_point delivered; ///< When the recipient had all of it; 1970 if that is not so.
        bool is_text;                ///< Whether it is a text.

        explicit outgoing(const zephyr_outbox_message &raw)
            : to(text(raw.to)), delivery(raw.delivery), len(raw.len), fragments(raw.fragments),
              created(time(raw.created_at_ms)), delivered(time(raw.delivered_at_ms)),
              is_text(raw.is_text) {}
    };

    /// Somebody the user writes with, or who is blocked.
    struct contact {
        std::string address;     ///< The address.
        std::string note;        ///< What the user noted.
        clock::time_point added; ///< When it was added; 1970 if it is blocked.
        bool blocked;            ///< Whether it is blocked.

        explicit contact(const zephyr_contact &raw)
            : address(text(raw.address)), note(text(raw.note)), added(time(raw.added_at_ms)),
              blocked(raw.blocked) {}
    };

    /// A PKG, and the registration with it.
    struct pkg {
        std::size_t index;               ///< Its number, from 0.
        std::string name;                ///< Its name for people.
        std::string fingerprint;         ///< Of this home's key: the PKG's mail must name the same.
        zephyr_registration_state state; ///< How far the registration has come.
        clock::time_point until;         ///< When this home's key replaces another one, if it is waiting.
        std::chrono::seconds code_valid; ///< How long the code that was just mailed can be used.

        explicit pkg(const zephyr_pkg &raw)
            : index(raw.index), name(text(raw.name)), fingerprint(text(raw.fingerprint)),
              state(raw.state), until(time(raw.until_ms)),
              code_valid(static_cast<std::chrono::seconds::rep>(raw.code_seconds)) {}
    };

    /// What a PKG answered.
    struct answer {
        client::pkg pkg;      ///< Which.
        zephyr_status status; ///< ZEPHYR_OK, or why it did not do what it was asked.
        std::string detail;   ///< A sentence about it.
    };

    /// Something that happened in a round.
    struct progress {
        zephyr_progress_kind kind; ///< What.
        std::uint64_t round;       ///< The round; 0 if it belongs to none.
        std::size_t mixers;        ///< How many mixers the round has,
        std::size_t listed;        ///< of how many in the network.
        std::uint32_t messages;    ///< How many messages were in the mailbox,
        std::uint32_t opened;      ///< and how many of them were the user's.
        zephyr_status status;      ///< Of a problem.
        std::string why;           ///< A sentence about it.

        explicit progress(const zephyr_progress &raw)
            : kind(raw.kind), round(raw.round), mixers(raw.mixers), listed(raw.listed),
              messages(raw.messages), opened(raw.opened), status(raw.status), why(text(raw.why)) {}

        /// The round protects less than it should.
        bool degraded() const noexcept { return kind == ZEPHYR_PROGRESS_OPENED && mixers < listed; }
    };

    /// What is called while the client takes part: on one thread of its own, one after the other. They may call all
    /// functions of the client, but not close or destroy it. One that throws ends the program, as a thread would.
    struct listeners {
        std::function<void(const message &)> on_message;          ///< A message has arrived.
        std::function<void(const zephyr_delivery &)> on_delivery; ///< One in the outbox has come further.
        std::function<void(const progress &)> on_round;           ///< Something happened in a round.
        /// The client takes part no more: ZEPHYR_OK after stop(), else what failed.
        std::function<void(zephyr_status, const std::string &)> on_stopped;
    };

    /// Creates a home for an address and opens it, or opens it if it is there already. `network` is the text of a
    /// network file.
    static client create(const std::string &dir, const std::string &address, const std::string &network) {
        zephyr_client *handle = nullptr;
        check(zephyr_client_create(dir.c_str(), address.c_str(), network.c_str(), &handle));
        return client(handle);
    }

    /// Opens the home in a folder.
    static client open(const std::string &dir) {
        zephyr_client *handle = nullptr;
        check(zephyr_client_open(dir.c_str(), &handle));
        return client(handle);
    }

    /// Makes a home in a folder from a backup, and opens it.
    static client restore(const std::string &backup, const std::string &passphrase, const std::string &dir) {
        zephyr_client *handle = nullptr;
        check(zephyr_client_restore(backup.c_str(), passphrase.c_str(), dir.c_str(), &handle));
        return client(handle);
    }

    client(client &&other) noexcept
        : handle_(std::exchange(other.handle_, nullptr)), shared_(std::move(other.shared_)) {}

    client &operator=(client &&other) noexcept {
        if (this != &other) {
            end();
            handle_ = std::exchange(other.handle_, nullptr);
            shared_ = std::move(other.shared_);
        }
        return *this;
    }

    client(const client &) = delete;
    client &operator=(const client &) = delete;

    ~client() { end(); }

    /// Stops, ends the calls of other threads (ZEPHYR_ERROR_CLOSED), waits for the listener that runs, and closes the
    /// home. The destructor does it too.
    void close() {
        check(zephyr_client_close(handle_));
        handle_ = nullptr;
        shared_.reset();
    }

    /// Starts to take part in the rounds, in the background.
    void start(listeners what = {}) const {
        if (!shared_) {
            throw error(ZEPHYR_ERROR_NULL);
        }
        const std::lock_guard<std::mutex> lock(shared_->mutex);
        shared_->all.push_back(std::move(what));
        zephyr_callbacks callbacks = {};
        callbacks.size = sizeof callbacks;
        callbacks.userdata = &shared_->all.back();
        callbacks.on_message = [](void *to, const zephyr_inbox_message *raw) noexcept {
            tell(static_cast<listeners *>(to)->on_message, [raw] { return message(*raw); });
        };
        callbacks.on_delivery = [](void *to, const zephyr_delivery *raw) noexcept {
            tell(static_cast<listeners *>(to)->on_delivery, [raw] { return *raw; });
        };
        callbacks.on_round = [](void *to, const zephyr_progress *raw) noexcept {
            tell(static_cast<listeners *>(to)->on_round, [raw] { return progress(*raw); });
        };
        callbacks.on_stopped = [](void *to, zephyr_status status, const char *detail) noexcept {
            const auto &on_stopped = static_cast<listeners *>(to)->on_stopped;
            if (on_stopped) {
                on_stopped(status, text(detail));
            }
        };
        const zephyr_status status = zephyr_client_start(handle_, &callbacks);
        if (status != ZEPHYR_OK) {
            const error failure(status);
            shared_->all.pop_back();
            throw failure;
        }
    }

    /// Pauses: returns when the client takes part no more.
    void stop() const { check(zephyr_client_stop(handle_)); }

    /// The client's own address.
    std::string address() const {
        std::array<char, ZEPHYR_ADDRESS_MAX + 1> address;
        check(zephyr_client_address(handle_, address.data(), address.size(), nullptr));
        return address.data();
    }

    /// The network's id.
    std::array<std::uint8_t, 32> network() const {
        std::array<std::uint8_t, 32> id;
        check(zephyr_client_network(handle_, id.data()));
        return id;
    }

    /// Whether the address is registered with all PKGs, as far as the home knows.
    bool is_registered() const {
        bool registered = false;
        check(zephyr_client_is_registered(handle_, &registered));
        return registered;
    }

    /// How far the registration with each PKG has come, as far as the home knows.
    std::vector<pkg> registration() const {
        return list<pkg, zephyr_pkg>(
            [this](auto each, void *all) { return zephyr_client_registration(handle_, each, all); });
    }

    /// Has every PKG with which the address is not registered mail a code to it. Waits for their answers, of which each
    /// may be a refusal.
    std::vector<answer> request_codes() const { return ask(zephyr_client_register); }

    /// Brings the code that a PKG mailed.
    zephyr_registration_state confirm(std::size_t pkg, const std::string &code) const {
        zephyr_registration_state state = ZEPHYR_REGISTRATION_NONE;
        check(zephyr_client_confirm(handle_, pkg, code.c_str(), &state));
        return state;
    }

    /// Stops the replacement of this home's key at all PKGs.
    std::vector<answer> veto() const { return ask(zephyr_client_veto); }

    /// Deletes the registration at all PKGs.
    std::vector<answer> unregister() const { return ask(zephyr_client_unregister); }

    /// Adds a contact, and leaves its note as it is.
    void add_contact(const std::string &address) const {
        check(zephyr_client_add_contact(handle_, address.c_str(), nullptr));
    }

    /// Adds a contact with a note, or changes the note of one.
    void add_contact(const std::string &address, const std::string &note) const {
        check(zephyr_client_add_contact(handle_, address.c_str(), note.c_str()));
    }

    /// Removes a contact and what is in the outbox for it.
    void remove_contact(const std::string &address) const {
        check(zephyr_client_remove_contact(handle_, address.c_str()));
    }

    /// Takes nothing from an address any more, nor sends to it.
    void block(const std::string &address) const { check(zephyr_client_block(handle_, address.c_str())); }

    /// Takes again what comes from an address.
    void unblock(const std::string &address) const {
        check(zephyr_client_unblock(handle_, address.c_str()));
    }

    /// All contacts, and behind them those who are blocked.
    std::vector<contact> contacts() const {
        return list<contact, zephyr_contact>(
            [this](auto each, void *all) { return zephyr_client_contacts(handle_, each, all); });
    }

    /// Whether messages of people who are no contacts are left unopened, from the next start on.
    void set_contacts_only(bool on) const { check(zephyr_client_set_contacts_only(handle_, on)); }

    /// Puts a text into the outbox. Who is written to becomes a contact.
    zephyr_queued send(const std::string &to, const std::string &text) const {
        zephyr_queued queued = {};
        check(zephyr_client_send_text(handle_, to.c_str(), text.c_str(), &queued));
        return queued;
    }

    /// Puts bytes, such as a file, into the outbox.
    zephyr_queued send(const std::string &to, const std::vector<std::uint8_t> &data) const {
        zephyr_queued queued = {};
        check(zephyr_client_send_bytes(handle_, to.c_str(), data.data(), data.size(), &queued));
        return queued;
    }

    /// How far a message has come.
    zephyr_delivery delivery(std::uint64_t id) const {
        zephyr_delivery delivery = {};
        check(zephyr_client_delivery(handle_, id, &delivery));
        return delivery;
    }

    /// Waits until a message is in its recipient's inbox; false if that is not so in time.
    bool wait_delivered(std::uint64_t id, std::chrono::milliseconds timeout) const {
        const auto wait = timeout.count() > 0 ? static_cast<std::uint64_t>(timeout.count()) : 0;
        const zephyr_status status = zephyr_client_wait_delivered(handle_, id, wait);
        if (status == ZEPHYR_ERROR_TIMEOUT) {
            return false;
        }
        check(status);
        return true;
    }

    /// All messages in the outbox, the oldest first.
    std::vector<outgoing> outbox() const {
        return list<outgoing, zephyr_outbox_message>(
            [this](auto each, void *all) { return zephyr_client_outbox(handle_, each, all); });
    }

    /// The messages that came, the oldest first; or only those that were not marked as seen.
    std::vector<message> inbox(bool unseen_only = false) const {
        return list<message, zephyr_inbox_message>([this, unseen_only](auto each, void *all) {
            return zephyr_client_inbox(handle_, unseen_only, each, all);
        });
    }

    /// Marks a message as seen.
    void mark_seen(std::uint64_t id) const { check(zephyr_client_mark_seen(handle_, id)); }

    /// Writes the whole home, encrypted, into a new file.
    void export_backup(const std::string &file, const std::string &passphrase) const {
        check(zephyr_client_export_backup(handle_, file.c_str(), passphrase.c_str()));
    }

private:
    /// Where listeners stand as long as they may be called. A deque does not move them.
    struct shared {
        std::mutex mutex;
        std::deque<listeners> all;
    };

    /// What a function lists. No exception may go through C: it waits until the function has returned.
    template <typename Item> struct collected {
        std::vector<Item> items;
        std::exception_ptr failure;

        template <typename Add> void add(Add item) noexcept {
            try {
                items.push_back(item());
            } catch (...) {
                failure = std::current_exception();
            }
        }

        std::vector<Item> take() {
            if (failure) {
                std::rethrow_exception(failure);
            }
            return std::move(items);
        }
    };

    explicit client(zephyr_client *handle) : handle_(handle) {
        try {
            shared_ = std::make_unique<shared>();
        } catch (...) {
            zephyr_client_close(handle_);
            throw;
        }
    }

    /// A client that is destroyed by its own listener would leave that without what it runs in.
    void end() noexcept {
        if (zephyr_client_close(handle_) == ZEPHYR_ERROR_IN_CALLBACK) {
            std::terminate();
        }
        handle_ = nullptr;
    }

    template <typename Item, typename Raw, typename List> static std::vector<Item> list(List function) {
        collected<Item> all;
        check(function(
            [](void *to, const Raw *raw) noexcept {
                static_cast<collected<Item> *>(to)->add([raw] { return Item(*raw); });
            },
            &all));
        return all.take();
    }

    template <typename Ask> std::vector<answer> ask(Ask function) const {
        collected<answer> all;
        const zephyr_status status = function(
            handle_,
            [](void *to, const zephyr_pkg *raw, zephyr_status status, const char *detail) noexcept {
                static_cast<collected<answer> *>(to)->add([=] {
                    return answer{pkg(*raw), status, text(detail)};
                });
            },
            &all);
        if (all.items.empty()) {
            check(status);
        }
        return all.take();
    }

    template <typename Listener, typename What> static void tell(const Listener &listener, What what) {
        if (listener) {
            listener(what());
        }
    }

    static std::string text(const char *text) { return text == nullptr ? std::string() : std::string(text); }

    static clock::time_point time(std::uint64_t ms) {
        return clock::time_point(std::chrono::milliseconds(static_cast<std::int64_t>(ms)));
    }

    zephyr_client *handle_;
    std::unique_ptr<shared> shared_;
};

#endif

} // namespace zephyr

#endif
