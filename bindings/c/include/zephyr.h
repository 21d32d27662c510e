/*
 * libzephyr: anonymous messaging for programs in C and C++.
 *
 * Generated from the sources of zephyr-ffi by cbindgen: don't edit.
 *
 * TWO LEVELS, each usable alone
 *   Building blocks   identities, sealing, mailboxes, onions, directories: no threads, no I/O, no heap.
 *   The session       the client in its rounds, both ways: as a state machine whose sockets, clock and storage are the
 *                     program's (zephyr_session), and with all of that inside (zephyr_client, only with ZEPHYR_IO).
 *
 * CONVENTIONS
 *   Results     Every function that can fail returns a zephyr_status; ZEPHYR_OK is 0. Values come back through
 *               out-parameters, which are written only on success. zephyr_status_text gives a sentence for a status,
 *               zephyr_last_error (ZEPHYR_IO) tells what went wrong last on this thread in more detail.
 *   NULL        is answered with ZEPHYR_ERROR_NULL, unless a parameter's description allows it. Wiping or closing NULL
 *               does nothing.
 *   Buffers     are a pointer and, next, a length in bytes. If an output buffer is too short, the answer is
 *               ZEPHYR_ERROR_BUFFER and nothing is written but the length that is needed. Where the length is
 *               the same in all networks (keys, hashes, ids) the description gives it, and only the pointer is passed.
 *   Text        is UTF-8 and ends with NUL. An e-mail address has at most ZEPHYR_ADDRESS_MAX bytes without it.
 *   Objects     (zephyr_identity, zephyr_session, ...) are opaque. They stand in memory that the caller lends:
 *               zephyr_X_init takes it, ZEPHYR_X_SIZE or zephyr_X_size says how much, at any alignment. The object
 *               uses that memory, and no other, until zephyr_X_wipe, which overwrites secrets and gives it back. An
 *               object that was wiped, or is of another kind, is answered with ZEPHYR_ERROR_HANDLE as long as its
 *               memory is still the caller's. A zephyr_client alone is the library's own: zephyr_client_close ends it,
 *               and a closed one is always recognised.
 *               With ZEPHYR_IO the fast pairings keep their precomputed numbers, 20 KB for each zephyr_identity and
 *               zephyr_private_key, also those in a session, on the heap until the object is wiped: wipe all of them.
 *   Ownership   What is passed in is read during the call and not kept, unless the description says so. What is passed
 *               to a callback lives until the callback returns.
 *   Threads     Objects have no locks: one thread at a time may use an object through a pointer that is not const;
 *               through const pointers several may. Different objects are independent. A zephyr_client may be used by
 *               all threads at any time.
 *   Callbacks   get the program's `userdata` first. They must not unwind or longjmp out.
 *   Panics      never cross into C. A bug in the library is answered with ZEPHYR_ERROR_PANIC; in firmware, without
 *               ZEPHYR_IO, it calls abort().
 *   Versions    Call zephyr_check_abi(ZEPHYR_ABI_VERSION) first.
 *
 * Define ZEPHYR_NO_IO before including this header if the library was built for firmware.
 */
#ifndef ZEPHYR_NO_IO
#define ZEPHYR_IO
#endif

#ifndef ZEPHYR_H
#define ZEPHYR_H

#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>

/**
 * The length in bytes of a sealed message in a network with payloads of this length.
 */
#define ZEPHYR_SEALED_LEN(payload_len) ((size_t)(payload_len) + ZEPHYR_SEAL_OVERHEAD)

/**
 * The length in bytes of a packet in a network with so many hops and payloads of this length.
 */
#define ZEPHYR_PACKET_LEN(hops, payload_len) \
    (ZEPHYR_PACKET_HEADER_SIZE + (size_t)(hops) * ZEPHYR_HOP_SIZE + ZEPHYR_SEALED_LEN(payload_len))

/**
 * The version of the ABI that this header describes. It changes when a program would have to be compiled again.
 */
#define ZEPHYR_ABI_VERSION 1

/**
 * The version of the library that this header came with: major number.
 */
#define ZEPHYR_VERSION_MAJOR 0

/**
 * Minor number.
 */
#define ZEPHYR_VERSION_MINOR 1

/**
 * Patch number.
 */
#define ZEPHYR_VERSION_PATCH 0

/**
 * The longest address in bytes, without the NUL behind it.
 */
#define ZEPHYR_ADDRESS_MAX 254

/**
 * How many bytes to lend for a zephyr_identity.
 */
#define ZEPHYR_IDENTITY_SIZE (2 * 1024)

/**
 * How many bytes to lend for a zephyr_private_key.
 */
#define ZEPHYR_PRIVATE_KEY_SIZE (2 * 1024)

/**
 * Length in bytes of a PKG's share of a private key: two points, 48 and 96.
 */
#define ZEPHYR_SHARE_SIZE 144

/**
 * How many bytes to lend for a zephyr_delivery_list.
 */
#define ZEPHYR_DELIVERY_LIST_SIZE 512

/**
 * Length in bytes of a mixer's signature under a delivery list.
 */
#define ZEPHYR_LIST_SIGNATURE_LEN 128

/**
 * A server that peels, shuffles and passes on.
 */
#define ZEPHYR_ROLE_MIXER 0

/**
 * A server that gives shares of private keys.
 */
#define ZEPHYR_ROLE_PKG 1

/**
 * A server that serves the round directory.
 */
#define ZEPHYR_ROLE_INFO 2

/**
 * A server that keeps the round's sealed messages.
 */
#define ZEPHYR_ROLE_MAILBOX 3

/**
 * How many bytes to lend for a zephyr_manifest.
 */
#define ZEPHYR_MANIFEST_SIZE 512

/**
 * How many bytes to lend for a zephyr_mixer.
 */
#define ZEPHYR_MIXER_SIZE 256

/**
 * A fragment of UTF-8 text.
 */
#define ZEPHYR_CONTENT_TEXT 0

/**
 * A fragment of bytes.
 */
#define ZEPHYR_CONTENT_FILE 1

/**
 * No contents, but an acknowledgement.
 */
#define ZEPHYR_CONTENT_EMPTY 2

/**
 * How many bytes to lend for a zephyr_round.
 */
#define ZEPHYR_ROUND_SIZE (4 * 1024)

/**
 * Length in bytes of a PKG's public key of a round: two points, 48 and 96, and a proof of knowledge.
 */
#define ZEPHYR_PKG_KEY_SIZE 208

/**
 * One order of the mixers a round.
 */
#define ZEPHYR_ROUTES_ROUND 0

/**
 * The rotations of the round's order.
 */
#define ZEPHYR_ROUTES_ROTATIONS 1

/**
 * Any order.
 */
#define ZEPHYR_ROUTES_FREE 2

/**
 * How many bytes to lend for a zephyr_sender_key.
 */
#define ZEPHYR_SENDER_KEY_SIZE 768

/**
 * Length in bytes of a contact tag.
 */
#define ZEPHYR_TAG_SIZE 16

/**
 * The most hops that a route can have.
 */
#define ZEPHYR_MAX_HOPS 16

/**
 * The most mixers that a network can have.
 */
#define ZEPHYR_MAX_MIXERS 64

/**
 * The smallest payload length in bytes that a network can have.
 */
#define ZEPHYR_MIN_PAYLOAD 128

/**
 * The largest payload length in bytes that a network can have.
 */
#define ZEPHYR_MAX_PAYLOAD 32768

/**
 * By how many bytes a sealed message is longer than its payload. See ZEPHYR_SEALED_LEN.
 */
#define ZEPHYR_SEAL_OVERHEAD 144

/**
 * By how many bytes each hop makes a packet longer. See ZEPHYR_PACKET_LEN.
 */
#define ZEPHYR_HOP_SIZE 50

/**
 * By how many bytes a packet is longer besides.
 */
#define ZEPHYR_PACKET_HEADER_SIZE 48

/**
 * How many bytes to lend for a zephyr_conversation.
 */
#define ZEPHYR_CONVERSATION_SIZE 1024

/**
 * How many fragments may be under way to a contact without an acknowledgement.
 */
#define ZEPHYR_WINDOW 64

/**
 * Length in bytes of what zephyr_conversation_save writes.
 */
#define ZEPHYR_CONVERSATION_SAVED_LEN 822

/**
 * The most connections that a session has at once.
 */
#define ZEPHYR_MAX_CONNECTIONS 32

/**
 * A flag of zephyr_session_settings: messages of people who are no contacts are left unopened. Saves a pairing for each
 * message in the mailbox that is somebody else's, which a microcontroller can't afford.
 */
#define ZEPHYR_CONTACTS_ONLY 1

/**
 * A flag of zephyr_session_settings: the proofs of the PKGs' keys are left to the mixers, one of which is honest.
 * Saves time on a microcontroller.
 */
#define ZEPHYR_TRUST_PROOFS 2

/**
 * How many bytes to lend for a zephyr_registration.
 */
#define ZEPHYR_REGISTRATION_SIZE (4 * 1024)

/**
 * Mail a code to the address.
 */
#define ZEPHYR_TASK_REGISTER 0

/**
 * Register the key: here is the code.
 */
#define ZEPHYR_TASK_CONFIRM 1

/**
 * Don't replace the key, which is registered: it was somebody else who asked for that.
 */
#define ZEPHYR_TASK_VETO 2

/**
 * Delete the registration: nobody can write to the address any more.
 */
#define ZEPHYR_TASK_UNREGISTER 3

/**
 * What a function answers. Numbers are never given another meaning; a newer library may answer with newer ones.
 */
enum zephyr_status
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * It was done.
     */
    ZEPHYR_OK = 0,
    /**
     * A pointer is NULL that must not be.
     */
    ZEPHYR_ERROR_NULL = 1,
    /**
     * An argument has a value or a length that it can't have.
     */
    ZEPHYR_ERROR_ARGUMENT = 2,
    /**
     * The lent buffer is too short: nothing was written but the length that is needed.
     */
    ZEPHYR_ERROR_BUFFER = 3,
    /**
     * The object was wiped or freed already, or is another one than this function takes.
     */
    ZEPHYR_ERROR_HANDLE = 4,
    /**
     * A text is not UTF-8.
     */
    ZEPHYR_ERROR_UTF8 = 5,
    /**
     * The header and the library have different ABI versions: compile with the header of this library.
     */
    ZEPHYR_ERROR_ABI = 6,
    /**
     * The source of random numbers failed: nothing was done.
     */
    ZEPHYR_ERROR_RANDOM = 7,
    /**
     * A bug in the library: please report it. The object that was used may be unusable: wipe or close it.
     */
    ZEPHYR_ERROR_PANIC = 8,
    /**
     * This is not an e-mail address that Zephyr can use.
     */
    ZEPHYR_ERROR_ADDRESS = 20,
    /**
     * These bytes are no manifest.
     */
    ZEPHYR_ERROR_MANIFEST = 21,
    /**
     * This directory is not valid for its round.
     */
    ZEPHYR_ERROR_DIRECTORY = 22,
    /**
     * The key does not fit its owner or round, or is no key.
     */
    ZEPHYR_ERROR_KEY = 23,
    /**
     * The message is not for this key, or was changed on the way.
     */
    ZEPHYR_ERROR_NOT_MINE = 24,
    /**
     * The packet was changed on the way, or is none for this mixer and position.
     */
    ZEPHYR_ERROR_PACKET = 25,
    /**
     * A signature is wrong.
     */
    ZEPHYR_ERROR_SIGNATURE = 26,
    /**
     * The client was closed during the call.
     */
    ZEPHYR_ERROR_CLOSED = 40,
    /**
     * This can't be done on a thread that calls back: it would wait for itself.
     */
    ZEPHYR_ERROR_IN_CALLBACK = 41,
    /**
     * The client takes part in the rounds already.
     */
    ZEPHYR_ERROR_RUNNING = 42,
    /**
     * It did not happen in time.
     */
    ZEPHYR_ERROR_TIMEOUT = 43,
    /**
     * There is no home in this folder: create one.
     */
    ZEPHYR_ERROR_NO_HOME = 44,
    /**
     * Another program or client uses this home.
     */
    ZEPHYR_ERROR_IN_USE = 45,
    /**
     * The home in this folder belongs to another address or network.
     */
    ZEPHYR_ERROR_OTHER_HOME = 46,
    /**
     * The home can't be used: its disk is full, read-only or damaged, or a newer version wrote it.
     */
    ZEPHYR_ERROR_HOME = 47,
    /**
     * This is not the text of a network file.
     */
    ZEPHYR_ERROR_NETWORK = 48,
    /**
     * A server can't be reached: try again later.
     */
    ZEPHYR_ERROR_UNREACHABLE = 49,
    /**
     * The address is not registered to this home, or not yet.
     */
    ZEPHYR_ERROR_NOT_REGISTERED = 50,
    /**
     * This is no code, such as 7GK2-M0QX: copy it from the mail.
     */
    ZEPHYR_ERROR_CODE = 51,
    /**
     * The code is wrong: compare it with the mail.
     */
    ZEPHYR_ERROR_WRONG_CODE = 52,
    /**
     * The PKG waits for no code any more: register again.
     */
    ZEPHYR_ERROR_NO_CODE = 53,
    /**
     * The PKG can't do it now, or too many codes were asked for: try again later.
     */
    ZEPHYR_ERROR_LATER = 54,
    /**
     * It was refused: see the sentence that comes with it.
     */
    ZEPHYR_ERROR_REFUSED = 55,
    /**
     * This is the user's own address.
     */
    ZEPHYR_ERROR_OWN_ADDRESS = 56,
    /**
     * The message is longer than any may be: shorten or split it.
     */
    ZEPHYR_ERROR_TOO_LONG = 57,
    /**
     * The address is blocked: unblock it first.
     */
    ZEPHYR_ERROR_BLOCKED = 58,
    /**
     * The passphrase is wrong or has fewer than 8 characters, or the file is no backup.
     */
    ZEPHYR_ERROR_PASSPHRASE = 59,
    /**
     * There is no such connection, or not any more: forget it.
     */
    ZEPHYR_ERROR_CONNECTION = 60,
    /**
     * Not now: another call has to come first.
     */
    ZEPHYR_ERROR_STATE = 61,
    /**
     * The slot is not waiting for this (any more), or the fragment doesn't fit: it carries cover. Send the fragment in
     * a later one.
     */
    ZEPHYR_ERROR_SLOT = 62,
    /**
     * There is no room for more.
     */
    ZEPHYR_ERROR_FULL = 63,
    /**
     * The network has no such server.
     */
    ZEPHYR_ERROR_SERVER = 64,
    /**
     * What was saved is damaged.
     */
    ZEPHYR_ERROR_DAMAGED = 65,
    /**
     * The server is not the one that it should be, or doesn't keep to the protocol: connect anew.
     */
    ZEPHYR_ERROR_LINK = 67,
    /**
     * No more contacts fit while the client takes part: stop and start it.
     */
    ZEPHYR_ERROR_CONTACTS_FULL = 80,
    /**
     * There is no message with this number.
     */
    ZEPHYR_ERROR_NO_MESSAGE = 81,
    /**
     * There is such a file or home already: nothing is overwritten.
     */
    ZEPHYR_ERROR_EXISTS = 82,
    /**
     * A file can't be read or written.
     */
    ZEPHYR_ERROR_FILE = 83,
    /**
     * The operating system gave no thread, no sockets or not enough memory.
     */
    ZEPHYR_ERROR_SYSTEM = 84,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum zephyr_status zephyr_status;
#else
typedef int32_t zephyr_status;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

#if defined(ZEPHYR_IO)
/**
 * How far a message has come.
 */
enum zephyr_delivery_state
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
#if defined(ZEPHYR_IO)
    /**
     * Nothing of it has left.
     */
    ZEPHYR_DELIVERY_QUEUED = 0,
#endif
#if defined(ZEPHYR_IO)
    /**
     * Mixers have taken some of its parts: see `sent` and `of`.
     */
    ZEPHYR_DELIVERY_SENDING = 1,
#endif
#if defined(ZEPHYR_IO)
    /**
     * Mixers have taken all of it, the last part in `round`. Only people who have added the user acknowledge it.
     */
    ZEPHYR_DELIVERY_SENT = 2,
#endif
#if defined(ZEPHYR_IO)
    /**
     * It is in the recipient's inbox.
     */
    ZEPHYR_DELIVERY_DELIVERED = 3,
#endif
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum zephyr_delivery_state zephyr_delivery_state;
#else
typedef int32_t zephyr_delivery_state;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus
#endif

#if defined(ZEPHYR_IO)
/**
 * How far the registration with a PKG has come.
 */
enum zephyr_registration_state
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
#if defined(ZEPHYR_IO)
    /**
     * The address is not registered, and no code was asked for.
     */
    ZEPHYR_REGISTRATION_NONE = 0,
#endif
#if defined(ZEPHYR_IO)
    /**
     * A code was asked for: bring it with zephyr_client_confirm.
     */
    ZEPHYR_REGISTRATION_CODE_SENT = 1,
#endif
#if defined(ZEPHYR_IO)
    /**
     * The address is registered to this home.
     */
    ZEPHYR_REGISTRATION_REGISTERED = 2,
#endif
#if defined(ZEPHYR_IO)
    /**
     * The address was registered to another home, which this one replaces at `until_ms` unless that one vetoes. There
     * is nothing to do but wait.
     */
    ZEPHYR_REGISTRATION_WAITING = 3,
#endif
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum zephyr_registration_state zephyr_registration_state;
#else
typedef int32_t zephyr_registration_state;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus
#endif

#if defined(ZEPHYR_IO)
/**
 * What happened in a round.
 */
enum zephyr_progress_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
#if defined(ZEPHYR_IO)
    /**
     * The round's directory was accepted: see `mixers` and `listed`. With fewer mixers than are listed it protects
     * less.
     */
    ZEPHYR_PROGRESS_OPENED = 1,
#endif
#if defined(ZEPHYR_IO)
    /**
     * The PKGs gave the user's key of the round.
     */
    ZEPHYR_PROGRESS_KEYED = 2,
#endif
#if defined(ZEPHYR_IO)
    /**
     * A mixer took a packet: each round the same number, whether there is something to send or not.
     */
    ZEPHYR_PROGRESS_SENT = 3,
#endif
#if defined(ZEPHYR_IO)
    /**
     * The mailbox was searched: see `messages` and `opened`.
     */
    ZEPHYR_PROGRESS_SCANNED = 4,
#endif
#if defined(ZEPHYR_IO)
    /**
     * The round brought nothing: see `why`. Nothing is lost; what was sent in it is sent again.
     */
    ZEPHYR_PROGRESS_MISSED = 5,
#endif
#if defined(ZEPHYR_IO)
    /**
     * Something is not as it should be: see `status` and `why`. The client goes on.
     */
    ZEPHYR_PROGRESS_PROBLEM = 6,
#endif
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum zephyr_progress_kind zephyr_progress_kind;
#else
typedef int32_t zephyr_progress_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus
#endif

/**
 * What a fragment that came is.
 */
enum zephyr_arrival_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * An acknowledgement alone, or from somebody who has no conversation with the user.
     */
    ZEPHYR_ARRIVAL_EMPTY = 0,
    /**
     * New: keep it, by its number.
     */
    ZEPHYR_ARRIVAL_NEW = 1,
    /**
     * It has been here before. If the program has neither it nor its message, call zephyr_conversation_forget.
     */
    ZEPHYR_ARRIVAL_DUPLICATE = 2,
    /**
     * Of an older stream, or beyond what may be under way: drop it.
     */
    ZEPHYR_ARRIVAL_REFUSED = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum zephyr_arrival_kind zephyr_arrival_kind;
#else
typedef uint32_t zephyr_arrival_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What a PKG answered.
 */
enum zephyr_answer_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Nothing yet.
     */
    ZEPHYR_ANSWER_NONE = 0,
    /**
     * A code is on its way to the address, and can be used for `seconds`. The mail shows the key's fingerprint: compare it
     * with zephyr_registration_fingerprint.
     */
    ZEPHYR_ANSWER_CODE_SENT = 1,
    /**
     * The address is registered to the user's key.
     */
    ZEPHYR_ANSWER_REGISTERED = 2,
    /**
     * The user's key replaces another one at `until_ms`, unless that one vetoes.
     */
    ZEPHYR_ANSWER_WAITING = 3,
    /**
     * No replacement of the user's key is waiting any more.
     */
    ZEPHYR_ANSWER_VETOED = 4,
    /**
     * The registration is deleted.
     */
    ZEPHYR_ANSWER_UNREGISTERED = 5,
    /**
     * It was not done: `refusal`.
     */
    ZEPHYR_ANSWER_REFUSED = 6,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum zephyr_answer_kind zephyr_answer_kind;
#else
typedef uint32_t zephyr_answer_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Why a PKG did not do what it was asked to.
 */
enum zephyr_refusal
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * It did.
     */
    ZEPHYR_REFUSED_NOT = 0,
    /**
     * It doesn't take this e-mail address.
     */
    ZEPHYR_REFUSED_ADDRESS = 1,
    /**
     * The address is not registered to this key.
     */
    ZEPHYR_REFUSED_NOT_REGISTERED = 2,
    /**
     * It has no key for this round, or not any more.
     */
    ZEPHYR_REFUSED_ROUND = 3,
    /**
     * The code is wrong; so many tries are left.
     */
    ZEPHYR_REFUSED_WRONG_CODE = 4,
    /**
     * It waits for no code: it was used, is too old, or was tried too often. Ask for a new one.
     */
    ZEPHYR_REFUSED_NO_CODE = 5,
    /**
     * Too many codes were asked for: try again in so many seconds.
     */
    ZEPHYR_REFUSED_TOO_MANY = 6,
    /**
     * The address has another key, which this one replaces later.
     */
    ZEPHYR_REFUSED_WAITING = 7,
    /**
     * It can't send mail now.
     */
    ZEPHYR_REFUSED_MAIL_FAILED = 8,
    /**
     * No mail can be sent to this address.
     */
    ZEPHYR_REFUSED_MAIL_REFUSED = 9,
    /**
     * It has too much to do: try again.
     */
    ZEPHYR_REFUSED_BUSY = 10,
    /**
     * It can't use its database: try again later.
     */
    ZEPHYR_REFUSED_UNAVAILABLE = 11,
    /**
     * It did not understand the request: another version.
     */
    ZEPHYR_REFUSED_MALFORMED = 12,
    /**
     * Another reason, which this version of the header doesn't know.
     */
    ZEPHYR_REFUSED_OTHER = 13,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum zephyr_refusal zephyr_refusal;
#else
typedef uint32_t zephyr_refusal;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What is to be done.
 */
enum zephyr_action_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Nothing: wait for the sockets, and until zephyr_session_wake_up.
     */
    ZEPHYR_ACTION_NONE = 0,
    /**
     * Open a socket to `server`, and then call zephyr_session_connected, or zephyr_session_failed if that can't be
     * done.
     */
    ZEPHYR_ACTION_CONNECT = 1,
    /**
     * Close the socket of `connection`.
     */
    ZEPHYR_ACTION_CLOSE = 2,
    /**
     * Write down that `round` with `directory` is the newest in which anything was sent, and what goes into `slot`; then
     * call zephyr_session_fill, before the next zephyr_session_poll.
     */
    ZEPHYR_ACTION_FILL = 3,
    /**
     * A `fragment` arrived.
     */
    ZEPHYR_ACTION_FRAGMENT = 4,
    /**
     * Something happened: `event`.
     */
    ZEPHYR_ACTION_EVENT = 5,
    /**
     * The network has a next version, in effect from `round` on, verified: keep `signed_manifest`.
     */
    ZEPHYR_ACTION_VERSION = 6,
    /**
     * All rounds of this version of the network are over: wipe the session, and begin another one with the manifest in
     * what ZEPHYR_ACTION_VERSION gave.
     */
    ZEPHYR_ACTION_OVER = 7,
    /**
     * A piece of a long computation is done: poll again. A program with other things to do does them first.
     */
    ZEPHYR_ACTION_CONTINUE = 8,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum zephyr_action_kind zephyr_action_kind;
#else
typedef uint32_t zephyr_action_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What happened in a round.
 */
enum zephyr_event_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Nothing that this version of the header knows.
     */
    ZEPHYR_EVENT_NONE = 0,
    /**
     * An info-node told the time: `offset_ms`.
     */
    ZEPHYR_EVENT_CLOCK = 1,
    /**
     * The round's directory was accepted: it has `count` mixers of the `of` that the manifest lists. With fewer a round
     * protects less: show it.
     */
    ZEPHYR_EVENT_OPENED = 2,
    /**
     * An info-node gave a directory that is not valid.
     */
    ZEPHYR_EVENT_DIRECTORY_REFUSED = 3,
    /**
     * The round has two valid directories: somebody cheats. Only cover is sent in it.
     */
    ZEPHYR_EVENT_EQUIVOCATION = 4,
    /**
     * The PKG with the index `server` refused the round's key: `refusal`. With ZEPHYR_REFUSED_NOT_REGISTERED: register.
     */
    ZEPHYR_EVENT_PKG_REFUSED = 5,
    /**
     * One of the PKGs gave a wrong share of the round's key. Only cover is sent in the round.
     */
    ZEPHYR_EVENT_WRONG_SHARE = 6,
    /**
     * The user has the round's key: the user is registered with all PKGs.
     */
    ZEPHYR_EVENT_KEYED = 7,
    /**
     * A mixer took the packet in `slot`: tell the conversations with zephyr_conversation_sent.
     */
    ZEPHYR_EVENT_SLOT_SENT = 8,
    /**
     * No mixer took the packet in `slot`: tell the conversations with zephyr_conversation_failed.
     */
    ZEPHYR_EVENT_SLOT_FAILED = 9,
    /**
     * A mixer refused a packet.
     */
    ZEPHYR_EVENT_SUBMIT_REFUSED = 10,
    /**
     * The mailbox was searched: of its `of` messages `count` were the user's.
     */
    ZEPHYR_EVENT_SCANNED = 11,
    /**
     * Of the cover in this round `of` packets went to the user's own mailbox, and `count` of them came back.
     */
    ZEPHYR_EVENT_LOOPS = 12,
    /**
     * One of these did not: a mixer lost it.
     */
    ZEPHYR_EVENT_LOOP_LOST = 13,
    /**
     * A mailbox server showed another mailbox than the mixers signed. Another server is asked.
     */
    ZEPHYR_EVENT_MAILBOX_ALTERED = 14,
    /**
     * No info-node had the round's directory in time.
     */
    ZEPHYR_EVENT_MISSED_DIRECTORY = 15,
    /**
     * Not all PKGs gave their share of the round's key in time: cover was sent, and nothing can be opened.
     */
    ZEPHYR_EVENT_MISSED_KEY = 16,
    /**
     * The mixers gave the round up, and nothing of it arrived: tell the conversations with zephyr_conversation_void.
     */
    ZEPHYR_EVENT_MISSED_VOID = 17,
    /**
     * No mailbox server gave the whole mailbox. What was found in it all the same was handed out.
     */
    ZEPHYR_EVENT_MISSED_MAILBOX = 18,
    /**
     * More rounds are under way than the session has room for.
     */
    ZEPHYR_EVENT_MISSED_ROOM = 19,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum zephyr_event_kind zephyr_event_kind;
#else
typedef uint32_t zephyr_event_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

#if defined(ZEPHYR_IO)
/**
 * A client with I/O inside: a home in a folder that is open, and the threads that work for it. All threads may use it
 * at any time. It is no pointer to anything: a client that was closed is always recognised (ZEPHYR_ERROR_HANDLE).
 *
 * If it is closed while another thread is in a call, that call ends with ZEPHYR_ERROR_CLOSED; whether it had done its
 * work already shows when the home is opened again.
 */
typedef struct zephyr_client zephyr_client;
#endif

/**
 * The numbers and acknowledgements between the user and one contact: with them everything arrives once and in order,
 * however many rounds are lost. One thread at a time.
 *
 * It holds no contents, only numbers. The program keeps the fragments: those that it sends until they are acknowledged,
 * and those that came until their message is whole.
 *
 * WRITE IT DOWN, with zephyr_conversation_save and together with the fragments, after every call that changes it and
 * before anything follows from that: before zephyr_session_fill, and before the next zephyr_session_poll. What is
 * written down is always safe to go on from, what is forgotten is not.
 */
typedef struct zephyr_conversation zephyr_conversation;

/**
 * What one mixer delivered to one mailbox, in order: with the mixer's signature it shows that a mailbox server holds
 * nothing back.
 */
typedef struct zephyr_delivery_list zephyr_delivery_list;

/**
 * An address in a network with its two points on the curve: keep it for who is written to often. Never changes, so
 * threads may share it.
 */
typedef struct zephyr_identity zephyr_identity;

/**
 * A manifest over its bytes, which it borrows. Never changes, so threads may share it.
 */
typedef struct zephyr_manifest zephyr_manifest;

/**
 * A mixer in one round. Never changes, so threads may share it. Wipe it when all packets of the round have gone on.
 */
typedef struct zephyr_mixer zephyr_mixer;

/**
 * A user's private key in one round. Never changes, so threads may share it. Wipe it when the round's mailbox is
 * searched.
 */
typedef struct zephyr_private_key zephyr_private_key;

/**
 * One exchange with one PKG over a connection of its own. A user registers with every PKG of the network: first
 * ZEPHYR_TASK_REGISTER, and then ZEPHYR_TASK_CONFIRM with the code that the PKG has mailed. One thread at a time.
 *
 * Connect to zephyr_registration_server; send zephyr_registration_to_send until there is nothing more, give what comes
 * to zephyr_registration_received, until zephyr_registration_answer has one. If the connection breaks or the answer is
 * long in coming, wipe it and try again: repeating does no harm.
 */
typedef struct zephyr_registration zephyr_registration;

/**
 * A round whose directory was verified. Never changes, so threads may share it.
 */
typedef struct zephyr_round zephyr_round;

/**
 * The key of one direction between two people in one round: both compute it without having exchanged anything, and
 * nobody else can. Never changes, so threads may share it.
 */
typedef struct zephyr_sender_key zephyr_sender_key;

/**
 * The client in its rounds. One thread at a time.
 */
typedef struct zephyr_session zephyr_session;

/**
 * An entry of a table of tags: who writes in a slot of the round under this tag. The table is the program's: an entry
 * for each contact and slot, filled by zephyr_sender_key_tag.
 */
typedef struct zephyr_tag {
    /**
     * The tag.
     */
    uint8_t tag[ZEPHYR_TAG_SIZE];
    /**
     * The program's number of the contact.
     */
    uint32_t contact;
    /**
     * The slot.
     */
    uint16_t slot;
} zephyr_tag;

/**
 * What a manifest lays down. Times are in milliseconds.
 */
typedef struct zephyr_parameters {
    /**
     * The manifest's version, 0 for a network's first.
     */
    uint32_t version;
    /**
     * Number of mailboxes.
     */
    uint32_t mailboxes;
    /**
     * The round from which on this version is in effect.
     */
    uint64_t from_round;
    /**
     * When round 0 would have begun to take packets, since the Unix epoch.
     */
    uint64_t genesis;
    /**
     * From one round's submit phase to the next one's.
     */
    uint32_t round_ms;
    /**
     * How long before its submit phase a round opens.
     */
    uint32_t open_ms;
    /**
     * Length of the submit phase.
     */
    uint32_t submit_ms;
    /**
     * Length of each mix phase.
     */
    uint32_t phase_ms;
    /**
     * For the delivery to the mailboxes.
     */
    uint32_t deliver_ms;
    /**
     * In which clients download; then the round closes.
     */
    uint32_t download_ms;
    /**
     * Hops of a packet.
     */
    uint32_t hops;
    /**
     * Length of a payload in bytes.
     */
    uint32_t payload_len;
    /**
     * How packets travel: 0 one order of the mixers a round, 1 its rotations, 2 any order.
     */
    uint32_t routes;
    /**
     * The fewest mixers that a directory may have.
     */
    uint32_t min_mixers;
    /**
     * Packets that every client sends in every round.
     */
    uint32_t packets_per_round;
    /**
     * On how many mailbox servers each mailbox is kept.
     */
    uint32_t replicas;
} zephyr_parameters;

/**
 * A server in a manifest.
 */
typedef struct zephyr_server {
    /**
     * Its Ed25519 identity.
     */
    uint8_t identity[32];
    /**
     * Its static X25519 key, to which clients open links.
     */
    uint8_t link_key[32];
    /**
     * A name for people.
     */
    char name[256];
    /**
     * Where clients reach it: `host:port`, or `ws://host:port/`.
     */
    char address[256];
} zephyr_server;

/**
 * A mixer with its key of the round.
 */
typedef struct zephyr_hop {
    /**
     * Its index in the manifest.
     */
    uint16_t mixer;
    /**
     * Its X25519 key of the round.
     */
    uint8_t key[32];
} zephyr_hop;

/**
 * Where random numbers come from: a source fit for keys, such as the system's or a hardware generator that is
 * conditioned.
 */
typedef struct zephyr_random {
    /**
     * Writes `len` random bytes to `out` and returns 0, or another number if it can't: what needs them is not done
     * then. NULL stands for the system's generator; without ZEPHYR_IO there is none.
     */
    int32_t (*fill)(void *userdata, uint8_t *out, size_t len);
    /**
     * What `fill` is given first; may be NULL.
     */
    void *userdata;
} zephyr_random;

/**
 * A secret of the program's own, mixed into what is drawn: random numbers that repeat, or that somebody knows, do no
 * harm then.
 */
typedef struct zephyr_hedge {
    /**
     * 32 secret bytes, such as the user's or the server's seed.
     */
    const uint8_t *secret;
    /**
     * A number that never comes twice with this secret: one that is counted and kept, or the time.
     */
    uint64_t counter;
} zephyr_hedge;

/**
 * Where a peeled packet goes.
 */
typedef struct zephyr_next {
    /**
     * Whether this was the last hop.
     */
    bool is_mailbox;
    /**
     * The next mixer's index in the manifest, for whom the packet now is; or the number of the mailbox, and the packet's
     * first ZEPHYR_SEALED_LEN bytes now are the sealed message.
     */
    uint32_t number;
} zephyr_next;

/**
 * The times of a round, in milliseconds since the Unix epoch.
 */
typedef struct zephyr_schedule {
    /**
     * Mixers and PKGs publish their keys.
     */
    uint64_t opens;
    /**
     * Clients submit from here...
     */
    uint64_t submit_from;
    /**
     * ...to here.
     */
    uint64_t submit_until;
    /**
     * All messages are in the mailboxes: clients download from here...
     */
    uint64_t deliver_until;
    /**
     * ...to here.
     */
    uint64_t closes;
} zephyr_schedule;

/**
 * What one sealed message carries: a fragment of a message, an acknowledgement, or both.
 */
typedef struct zephyr_payload {
    /**
     * What the message is: ZEPHYR_CONTENT_...
     */
    uint32_t content;
    /**
     * The sender's slot in the round. Never seal twice for one slot of a round.
     */
    uint16_t slot;
    /**
     * The fragment's index in its message.
     */
    uint16_t fragment;
    /**
     * How many fragments the message has, at least 1.
     */
    uint16_t fragments;
    /**
     * The sender's stream of sequence numbers to this recipient; 0 in one without contents.
     */
    uint32_t stream;
    /**
     * The fragment's number in the stream, from 1; 0 in one without contents.
     */
    uint32_t sequence;
    /**
     * The recipient's stream that `ack` speaks of; 0 if none is known.
     */
    uint32_t ack_stream;
    /**
     * All of that stream's fragments up to this number have arrived.
     */
    uint32_t ack;
    /**
     * The message's id, random, the same in all its fragments.
     */
    uint64_t message;
    /**
     * The fragment's bytes; NULL if there are none.
     */
    const uint8_t *body;
    /**
     * How many there are: at most zephyr_body_len_max.
     */
    size_t body_len;
} zephyr_payload;

/**
 * What was in a message that was opened.
 */
typedef struct zephyr_opened {
    /**
     * The payload. Its body stands in the message that was opened.
     */
    struct zephyr_payload payload;
    /**
     * Who sent it, proven; empty if it is anonymous.
     */
    char sender[256];
} zephyr_opened;

#if defined(ZEPHYR_IO)
/**
 * Somebody the user writes with, or who is blocked.
 */
typedef struct zephyr_contact {
    /**
     * The address.
     */
    const char *address;
    /**
     * What the user noted; empty if nothing. Never NULL.
     */
    const char *note;
    /**
     * When it was added, in milliseconds since 1970; 0 if it is blocked.
     */
    uint64_t added_at_ms;
    /**
     * Whether it is blocked.
     */
    bool blocked;
} zephyr_contact;
#endif

#if defined(ZEPHYR_IO)
/**
 * Is given a contact. Called by the function that it was passed to, before that returns, and may call every function.
 */
typedef void (*zephyr_on_contact)(void *userdata, const struct zephyr_contact *contact);
#endif

#if defined(ZEPHYR_IO)
/**
 * A message in the inbox.
 */
typedef struct zephyr_inbox_message {
    /**
     * Its number: greater than that of all messages that came before.
     */
    uint64_t id;
    /**
     * Who provably sent it; NULL if it is anonymous.
     */
    const char *from;
    /**
     * Its contents. Behind them stands a NUL that is not counted.
     */
    const uint8_t *body;
    /**
     * Their length in bytes.
     */
    size_t body_len;
    /**
     * The round that brought the last part of it.
     */
    uint64_t round;
    /**
     * When that was, in milliseconds since 1970.
     */
    uint64_t received_at_ms;
    /**
     * Whether it is a text: then it is UTF-8.
     */
    bool is_text;
    /**
     * Whether it was marked as seen.
     */
    bool seen;
} zephyr_inbox_message;
#endif

#if defined(ZEPHYR_IO)
/**
 * Is given a message. Called by the function that it was passed to, before that returns, and may call every function.
 */
typedef void (*zephyr_on_inbox_message)(void *userdata, const struct zephyr_inbox_message *message);
#endif

#if defined(ZEPHYR_IO)
/**
 * A message that was put into the outbox.
 */
typedef struct zephyr_queued {
    /**
     * Its number.
     */
    uint64_t id;
    /**
     * In how many rounds it leaves, if all goes well.
     */
    uint64_t rounds;
    /**
     * How long it takes until the recipient can have all of it, if all goes well, in milliseconds.
     */
    uint64_t time_ms;
    /**
     * How many parts it has.
     */
    uint32_t fragments;
    /**
     * Whether it is so long that it leaves only as the recipient acknowledges it: to somebody who has not added the
     * user it never arrives whole.
     */
    bool acknowledged;
} zephyr_queued;
#endif

#if defined(ZEPHYR_IO)
/**
 * How far a message has come.
 */
typedef struct zephyr_delivery {
    /**
     * The message's number.
     */
    uint64_t id;
    /**
     * The round in which its last part was taken, if all of it was sent.
     */
    uint64_t round;
    /**
     * How far it has come.
     */
    zephyr_delivery_state state;
    /**
     * How many parts of it mixers have taken while it is being sent,
     */
    uint32_t sent;
    /**
     * of how many.
     */
    uint32_t of;
} zephyr_delivery;
#endif

#if defined(ZEPHYR_IO)
/**
 * A message in the outbox.
 */
typedef struct zephyr_outbox_message {
    /**
     * To whom it goes.
     */
    const char *to;
    /**
     * How far it has come, and its number.
     */
    struct zephyr_delivery delivery;
    /**
     * Its length in bytes.
     */
    uint64_t len;
    /**
     * When it was written, in milliseconds since 1970.
     */
    uint64_t created_at_ms;
    /**
     * When the recipient had acknowledged all of it, in milliseconds since 1970; 0 if that is not so.
     */
    uint64_t delivered_at_ms;
    /**
     * How many parts it has.
     */
    uint32_t fragments;
    /**
     * Whether it is a text.
     */
    bool is_text;
} zephyr_outbox_message;
#endif

#if defined(ZEPHYR_IO)
/**
 * Is given a message. Called by the function that it was passed to, before that returns, and may call every function.
 */
typedef void (*zephyr_on_outbox_message)(void *userdata, const struct zephyr_outbox_message *message);
#endif

#if defined(ZEPHYR_IO)
/**
 * A PKG, and the registration with it.
 */
typedef struct zephyr_pkg {
    /**
     * Its number, from 0.
     */
    size_t index;
    /**
     * Its name for people.
     */
    const char *name;
    /**
     * The fingerprint of this home's key, such as "1a2b 3c4d 5e6f 7a8b 9c0d": the PKG's mail must name the same.
     */
    const char *fingerprint;
    /**
     * How far the registration has come, as far as the home knows.
     */
    zephyr_registration_state state;
    /**
     * When this home's key replaces the other one, in milliseconds since 1970; 0 unless it is waiting.
     */
    uint64_t until_ms;
    /**
     * How long the code that was just mailed can be used, in seconds; 0 unless one was.
     */
    uint64_t code_seconds;
} zephyr_pkg;
#endif

#if defined(ZEPHYR_IO)
/**
 * Is given a PKG. Called by the function that it was passed to, before that returns, and may call every function.
 */
typedef void (*zephyr_on_pkg)(void *userdata, const struct zephyr_pkg *pkg);
#endif

#if defined(ZEPHYR_IO)
/**
 * Is given what a PKG answered: `status` is ZEPHYR_OK, or why it did not do what it was asked, with a sentence.
 * Called by the function that it was passed to, before that returns, and may call every function.
 */
typedef void (*zephyr_on_answer)(void *userdata,
                                 const struct zephyr_pkg *pkg,
                                 zephyr_status status,
                                 const char *detail);
#endif

#if defined(ZEPHYR_IO)
/**
 * Something that happened in a round.
 */
typedef struct zephyr_progress {
    /**
     * What.
     */
    zephyr_progress_kind kind;
    /**
     * The round; 0 if it belongs to none.
     */
    uint64_t round;
    /**
     * How many mixers the round has.
     */
    size_t mixers;
    /**
     * How many mixers the network has.
     */
    size_t listed;
    /**
     * How many messages were in the mailbox.
     */
    uint32_t messages;
    /**
     * How many of them were the user's.
     */
    uint32_t opened;
    /**
     * Of a problem: ZEPHYR_ERROR_NOT_REGISTERED, ZEPHYR_ERROR_UNREACHABLE, or another one.
     */
    zephyr_status status;
    /**
     * A sentence about it; empty if there is nothing to say. Never NULL.
     */
    const char *why;
} zephyr_progress;
#endif

#if defined(ZEPHYR_IO)
/**
 * What the library calls, each with `userdata` first; functions may be NULL. They run on one thread of the client's
 * own, one after the other, in the order in which things happened, and may call every function of zephyr_client
 * but zephyr_client_close (ZEPHYR_ERROR_IN_CALLBACK). While one runs, the client goes on taking part in the rounds.
 */
typedef struct zephyr_callbacks {
    /**
     * sizeof(zephyr_callbacks): newer versions have more functions.
     */
    size_t size;
    /**
     * What each function is given first; may be NULL.
     */
    void *userdata;
    /**
     * A message has arrived whole; it is in the inbox. If the program was very slow it may be told once more: see its
     * number.
     */
    void (*on_message)(void *userdata, const struct zephyr_inbox_message *message);
    /**
     * A message in the outbox has come further, or fell back because parts of it are to be sent again.
     */
    void (*on_delivery)(void *userdata, const struct zephyr_delivery *delivery);
    /**
     * Something happened in a round.
     */
    void (*on_round)(void *userdata, const struct zephyr_progress *progress);
    /**
     * The client takes part no more: ZEPHYR_OK after zephyr_client_stop, else what failed, and a sentence about it.
     * The last call until the next start. Not called by zephyr_client_close.
     */
    void (*on_stopped)(void *userdata, zephyr_status status, const char *detail);
} zephyr_callbacks;
#endif

/**
 * What a slot is to carry: one fragment of a message, or an acknowledgement alone. zephyr_conversation_fill writes the
 * numbers into it.
 */
typedef struct zephyr_draft {
    /**
     * What the message is: ZEPHYR_CONTENT_...
     */
    uint32_t content;
    /**
     * The stream of numbers to this contact.
     */
    uint32_t stream;
    /**
     * The fragment's number in it, from 1; 0: an acknowledgement alone.
     */
    uint32_t sequence;
    /**
     * The contact's stream that `ack` speaks of; 0 if none is known.
     */
    uint32_t ack_stream;
    /**
     * All of it up to this number has arrived.
     */
    uint32_t ack;
    /**
     * The fragment's index in the message.
     */
    uint16_t fragment;
    /**
     * How many fragments the message has, at least 1.
     */
    uint16_t fragments;
    /**
     * The message's id, random, the same in all its fragments.
     */
    uint64_t message;
    /**
     * The fragment's bytes, at most zephyr_session_fragment_len. NULL if there are none.
     */
    const uint8_t *body;
    /**
     * How many there are.
     */
    size_t body_len;
} zephyr_draft;

/**
 * A fragment that arrived, or an acknowledgement alone (ZEPHYR_CONTENT_EMPTY).
 */
typedef struct zephyr_fragment {
    /**
     * Who sent it, proven; NULL: anonymous, or somebody who is no contact and did not say. May be somebody who is no
     * contact.
     */
    const char *sender;
    /**
     * What the message is: ZEPHYR_CONTENT_...
     */
    uint32_t content;
    /**
     * The sender's stream of numbers to the user; 0 in one without contents.
     */
    uint32_t stream;
    /**
     * The fragment's number in it, from 1; 0 in one without contents.
     */
    uint32_t sequence;
    /**
     * The user's stream that `ack` speaks of; 0 if the sender knows none.
     */
    uint32_t ack_stream;
    /**
     * All of that up to this number has arrived at the sender.
     */
    uint32_t ack;
    /**
     * The fragment's index in the message.
     */
    uint16_t fragment;
    /**
     * How many fragments the message has, at least 1.
     */
    uint16_t fragments;
    /**
     * The message's id, the same in all its fragments.
     */
    uint64_t message;
    /**
     * The round in which it came.
     */
    uint64_t round;
    /**
     * The fragment's bytes; text may be cut inside a character.
     */
    const uint8_t *body;
    /**
     * How many there are.
     */
    size_t body_len;
} zephyr_fragment;

/**
 * What a fragment led to. Follow it in this order.
 */
typedef struct zephyr_arrival {
    /**
     * What the fragment is.
     */
    zephyr_arrival_kind kind;
    /**
     * All numbers up to this one of the user's stream `stream` have arrived at the contact: forget these fragments. A
     * message whose last number it reaches is delivered.
     */
    uint32_t acknowledged;
    /**
     * The user's stream.
     */
    uint32_t stream;
    /**
     * If not 0: one of the two has lost what it knew. Call zephyr_conversation_restart with this number and the number
     * of fragments of all messages to this contact that are not delivered, which have the numbers 1, 2, ... then.
     */
    uint32_t restart;
    /**
     * The contact has started over: forget the fragments of messages that are not whole, they come again. Do it before
     * keeping this one.
     */
    uint32_t started_over;
    /**
     * All numbers of the contact's stream up to this one have arrived: a message whose last number is at most this is
     * whole, and may be shown; its fragments may be forgotten then.
     */
    uint32_t arrived;
} zephyr_arrival;

/**
 * What a session needs to know. Set all of it to 0 first.
 */
typedef struct zephyr_session_settings {
    /**
     * The network's manifest; it is copied.
     */
    const uint8_t *manifest;
    /**
     * Its length.
     */
    size_t manifest_len;
    /**
     * The user's address, registered with all PKGs.
     */
    const char *address;
    /**
     * The user's secret, 32 random bytes, drawn once and kept for good: the keys for the PKGs follow from it.
     */
    const uint8_t *seed;
    /**
     * ZEPHYR_CONTACTS_ONLY, ZEPHYR_TRUST_PROOFS, or 0.
     */
    uint32_t flags;
    /**
     * How many contacts there can be.
     */
    uint32_t contacts;
    /**
     * How many connections there can be at once, 1 to ZEPHYR_MAX_CONNECTIONS; others wait. 8 are plenty.
     */
    uint32_t connections;
    /**
     * The longest message in bytes that a server may send; 0: the longest that there can be, 65519. A smaller one saves
     * memory for each connection, and must be enough for a round's directory: about 200 bytes for each mixer, and 400
     * for each PKG.
     */
    uint32_t frame_len;
    /**
     * The round and the directory of the last ZEPHYR_ACTION_FILL that was written down, so that nothing is used twice;
     * the round counts only with a directory.
     */
    uint64_t last_round;
    /**
     * The directory, 32 bytes, or NULL if there was none yet.
     */
    const uint8_t *last_directory;
    /**
     * Random numbers, during zephyr_session_poll and zephyr_session_fill.
     */
    struct zephyr_random random;
} zephyr_session_settings;

/**
 * What a PKG answered.
 */
typedef struct zephyr_answer {
    /**
     * What it is.
     */
    zephyr_answer_kind kind;
    /**
     * REFUSED: why.
     */
    zephyr_refusal refusal;
    /**
     * CODE_SENT: how long the code can be used. REFUSED with TOO_MANY: when the next one can be had.
     */
    uint32_t seconds;
    /**
     * REFUSED with WRONG_CODE: how often it can still be tried.
     */
    uint32_t tries_left;
    /**
     * WAITING, also as the reason of REFUSED: when, in milliseconds since 1970.
     */
    uint64_t until_ms;
} zephyr_answer;

/**
 * What happened. What a kind doesn't speak of is 0.
 */
typedef struct zephyr_event {
    /**
     * What it is.
     */
    zephyr_event_kind kind;
    /**
     * The slot of the round.
     */
    uint32_t slot;
    /**
     * The PKG's index.
     */
    uint32_t server;
    /**
     * Why the PKG refused.
     */
    zephyr_refusal refusal;
    /**
     * How many.
     */
    uint32_t count;
    /**
     * Of how many.
     */
    uint32_t of;
    /**
     * The round.
     */
    uint64_t round;
    /**
     * The network's time less the local one, in milliseconds.
     */
    int64_t offset_ms;
    /**
     * With ZEPHYR_REFUSED_WAITING: when the key will be the registered one, in milliseconds since 1970.
     */
    uint64_t until_ms;
} zephyr_event;

/**
 * What is to be done, or has happened. Pointers live until the session is used again, in whatever way. What a kind
 * doesn't speak of is 0 or NULL.
 */
typedef struct zephyr_action {
    /**
     * What it is.
     */
    zephyr_action_kind kind;
    /**
     * CONNECT, CLOSE: the connection's number, never used again. Its remainder by `connections` of the settings is
     * different for all that are open at the same time: an index for the program's sockets.
     */
    uint32_t connection;
    /**
     * CONNECT: the server's address, `host:port`, or `ws://host:port/` for a WebSocket. Its key is checked by the
     * session.
     */
    const char *server;
    /**
     * CONNECT: what the server is, ZEPHYR_ROLE_..., for people.
     */
    uint32_t server_role;
    /**
     * CONNECT: its index among the servers of its role, for people.
     */
    uint32_t server_index;
    /**
     * FILL, EVENT, FRAGMENT: the round. VERSION: from which one on it is in effect.
     */
    uint64_t round;
    /**
     * FILL: the slot.
     */
    uint32_t slot;
    /**
     * FILL: who the slot belongs to.
     */
    const char *contact;
    /**
     * FILL: the round's directory, 32 bytes.
     */
    const uint8_t *directory;
    /**
     * FRAGMENT: what arrived.
     */
    struct zephyr_fragment fragment;
    /**
     * EVENT: what happened.
     */
    struct zephyr_event event;
    /**
     * VERSION: the signed manifest.
     */
    const uint8_t *signed_manifest;
    /**
     * VERSION: its length.
     */
    size_t signed_manifest_len;
    /**
     * VERSION: so many bytes at its beginning are the manifest.
     */
    size_t manifest_len;
} zephyr_action;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

#if defined(ZEPHYR_IO)
/**
 * Why the last function that failed on this thread did, as a sentence in English; empty if none has.
 *
 * `out` is given the text with a NUL behind it, `needed` (may be NULL) its length in bytes with the NUL.
 * @return ZEPHYR_ERROR_BUFFER if `out_len` is less than that; the text stays as it is then.
 */
zephyr_status zephyr_last_error(char *out,
                                size_t out_len,
                                size_t *needed);
#endif

/**
 * A sentence in English for a status. Lives for ever; never NULL.
 */
const char *zephyr_status_text(int32_t status);

/**
 * The version of the library, such as "0.1.0". Lives for ever.
 */
const char *zephyr_version(void);

/**
 * The version of the library's ABI.
 */
uint32_t zephyr_abi_version(void);

/**
 * Whether the library fits the header: call it with ZEPHYR_ABI_VERSION before anything else.
 *
 * @return ZEPHYR_ERROR_ABI if it doesn't.
 */
zephyr_status zephyr_check_abi(uint32_t abi_version);

/**
 * Computes the points of an address (two hashes to the curve).
 *
 * `memory` is lent, ZEPHYR_IDENTITY_SIZE bytes, until zephyr_identity_wipe; `network` is the network's id, 32 bytes.
 * @return ZEPHYR_ERROR_ADDRESS if `address_text` is no address that Zephyr can use.
 */
zephyr_status zephyr_identity_init(void *memory,
                                   size_t memory_len,
                                   const uint8_t *network,
                                   const char *address_text,
                                   struct zephyr_identity **out);

/**
 * Ends an identity and gives its memory back. Of no effect on NULL.
 */
zephyr_status zephyr_identity_wipe(struct zephyr_identity *identity);

/**
 * The canonical address of an identity.
 *
 * `out` is given it with a NUL behind it, `needed` (may be NULL) its length with the NUL; ZEPHYR_ADDRESS_MAX + 1 are
 * always enough.
 */
zephyr_status zephyr_identity_address(const struct zephyr_identity *identity,
                                      char *out,
                                      size_t out_len,
                                      size_t *needed);

/**
 * The canonical form of an address: trimmed, in lower case, its syntax checked.
 *
 * `out` is given it with a NUL behind it, `needed` (may be NULL) its length with the NUL; ZEPHYR_ADDRESS_MAX + 1 are
 * always enough.
 * @return ZEPHYR_ERROR_ADDRESS if `address_text` is no address that Zephyr can use.
 */
zephyr_status zephyr_address_canonical(const char *address_text,
                                       char *out,
                                       size_t out_len,
                                       size_t *needed);

/**
 * The number of the mailbox, of `mailboxes` in a network, into which everything for an address is put.
 *
 * `network` is the network's id, 32 bytes.
 */
zephyr_status zephyr_address_mailbox(const char *address_text,
                                     const uint8_t *network,
                                     uint32_t mailboxes,
                                     uint32_t *out);

/**
 * Verifies a PKG's public key of a round, ZEPHYR_PKG_KEY_SIZE bytes, and its proof that the PKG knows the secret behind
 * it.
 *
 * `network` is the network's id and `pkg` the PKG's identity in the manifest, 32 bytes each.
 * @return ZEPHYR_ERROR_KEY if it is no key, or the proof is not for it.
 */
zephyr_status zephyr_pkg_key_verify(const uint8_t *key,
                                    const uint8_t *network,
                                    uint64_t round,
                                    const uint8_t *pkg);

/**
 * Whether a share, ZEPHYR_SHARE_SIZE bytes, is what the PKG with this key, ZEPHYR_PKG_KEY_SIZE bytes, owes to
 * `identity`: names the culprit if zephyr_private_key_init refuses.
 *
 * @return ZEPHYR_ERROR_KEY if it is not.
 */
zephyr_status zephyr_share_verify(const uint8_t *share,
                                  const uint8_t *pkg_key,
                                  const struct zephyr_identity *identity);

/**
 * Adds up the PKGs' shares to the private key of `identity` in a round, and checks it (four pairings).
 *
 * `memory` is lent, ZEPHYR_PRIVATE_KEY_SIZE bytes, until zephyr_private_key_wipe; `shares` are those of all PKGs one
 * after the other, ZEPHYR_SHARE_SIZE bytes each. `round` and `identity` are not kept.
 * @return ZEPHYR_ERROR_KEY if the sum is not the key: zephyr_share_verify tells whose share is wrong.
 */
zephyr_status zephyr_private_key_init(void *memory,
                                      size_t memory_len,
                                      const struct zephyr_round *round,
                                      const struct zephyr_identity *identity,
                                      const uint8_t *shares,
                                      size_t shares_len,
                                      struct zephyr_private_key **out);

/**
 * Ends a private key, overwrites it, and gives its memory back. Of no effect on NULL.
 */
zephyr_status zephyr_private_key_wipe(struct zephyr_private_key *key);

/**
 * Sorts a table of tags, so that it can be searched.
 */
zephyr_status zephyr_tags_sort(struct zephyr_tag *tags, size_t tags_count);

/**
 * Finds the next message in a mailbox that bears a known tag: zephyr_open_from opens it. Any other may still be a
 * stranger's: zephyr_open tries.
 *
 * `tags` is a sorted table; the mailbox's messages stand one after the other in `mailbox`, `sealed_len` bytes each;
 * `first` is the number of the message to begin with. `index` is given the number of the message that was found and
 * `hit` its entry in the table; if there is none, the number of messages, and NULL.
 * @return ZEPHYR_ERROR_ARGUMENT if the mailbox is no multiple of `sealed_len`, or `sealed_len` is no message's.
 */
zephyr_status zephyr_mailbox_scan(const struct zephyr_tag *tags,
                                  size_t tags_count,
                                  const uint8_t *mailbox,
                                  size_t mailbox_len,
                                  size_t sealed_len,
                                  size_t first,
                                  size_t *index,
                                  const struct zephyr_tag **hit);

/**
 * The digest of a sealed message in a delivery list, 32 bytes.
 */
zephyr_status zephyr_message_digest(const uint8_t *message, size_t message_len, uint8_t *out);

/**
 * An empty list. `memory` is lent, ZEPHYR_DELIVERY_LIST_SIZE bytes, until zephyr_delivery_list_wipe.
 */
zephyr_status zephyr_delivery_list_init(void *memory,
                                        size_t memory_len,
                                        struct zephyr_delivery_list **out);

/**
 * Ends a list and gives its memory back. Of no effect on NULL.
 */
zephyr_status zephyr_delivery_list_wipe(struct zephyr_delivery_list *list);

/**
 * Appends a sealed message.
 */
zephyr_status zephyr_delivery_list_push(struct zephyr_delivery_list *list,
                                        const uint8_t *message,
                                        size_t message_len);

/**
 * Verifies a mixer's signature, ZEPHYR_LIST_SIGNATURE_LEN bytes, under the list.
 *
 * `mixer_id` is the mixer's identity in the manifest, `directory` the round's directory's hash, 32 bytes each; `mixer`
 * is the mixer's index.
 * @return ZEPHYR_ERROR_SIGNATURE if it is not the mixer's, or for another list.
 */
zephyr_status zephyr_delivery_list_verify(const struct zephyr_delivery_list *list,
                                          const uint8_t *mixer_id,
                                          const uint8_t *directory,
                                          uint16_t mixer,
                                          uint32_t mailbox,
                                          const uint8_t *signature);

/**
 * Checks bytes and looks at them as a manifest.
 *
 * `memory` is lent, ZEPHYR_MANIFEST_SIZE bytes, until zephyr_manifest_wipe; so are the bytes at `data`, which must not
 * change.
 * @return ZEPHYR_ERROR_MANIFEST if they are no manifest, or none of a network that could work.
 */
zephyr_status zephyr_manifest_init(void *memory,
                                   size_t memory_len,
                                   const uint8_t *data,
                                   size_t data_len,
                                   struct zephyr_manifest **out);

/**
 * Ends a manifest and gives its memory, and its bytes, back. Of no effect on NULL.
 */
zephyr_status zephyr_manifest_wipe(struct zephyr_manifest *manifest);

/**
 * The network's id, 32 bytes.
 */
zephyr_status zephyr_manifest_network(const struct zephyr_manifest *manifest, uint8_t *out);

/**
 * The hash of this version of the manifest, 32 bytes. Of version 0 it is the network's id.
 */
zephyr_status zephyr_manifest_hash(const struct zephyr_manifest *manifest, uint8_t *out);

/**
 * What the manifest lays down.
 */
zephyr_status zephyr_manifest_parameters(const struct zephyr_manifest *manifest,
                                         struct zephyr_parameters *out);

/**
 * How many servers of a role (ZEPHYR_ROLE_...) there are.
 */
zephyr_status zephyr_manifest_servers(const struct zephyr_manifest *manifest,
                                      uint32_t role,
                                      size_t *out);

/**
 * The server of a role (ZEPHYR_ROLE_...) with this index.
 *
 * @return ZEPHYR_ERROR_ARGUMENT if there is none.
 */
zephyr_status zephyr_manifest_server(const struct zephyr_manifest *manifest,
                                     uint32_t role,
                                     size_t index,
                                     struct zephyr_server *out);

/**
 * Checks that a signed manifest is the version that follows this one: the next number, nothing changed that must stay,
 * and signed by all its PKGs and all but one of its mixers.
 *
 * `manifest_len` is given the length of the new manifest, which stands in front of its signatures in `data`.
 * @return ZEPHYR_ERROR_MANIFEST if it is no manifest or not the next, ZEPHYR_ERROR_SIGNATURE if signatures are missing
 * or wrong.
 */
zephyr_status zephyr_manifest_verify_next(const struct zephyr_manifest *manifest,
                                          const uint8_t *data,
                                          size_t data_len,
                                          size_t *manifest_len);

/**
 * Wraps a sealed message into a packet (two X25519 a hop).
 *
 * `hops` and `payload_len` are the network's, `directory` is the round's directory's hash, 32 bytes, `route` the mixers
 * in order, at most `hops`. `random` gives random numbers; `hedge` may be NULL. `out` is given the packet, `needed`
 * (may be NULL) its length, ZEPHYR_PACKET_LEN(hops, payload_len); it must not overlap the message.
 * @return ZEPHYR_ERROR_ARGUMENT if the message has another length, or the route none or too many mixers;
 * ZEPHYR_ERROR_KEY if a mixer's key is none: what stands in `out` then is of no use.
 */
zephyr_status zephyr_wrap(size_t hops,
                          size_t payload_len,
                          const uint8_t *directory,
                          const struct zephyr_hop *route,
                          size_t route_count,
                          uint32_t mailbox,
                          const uint8_t *sealed,
                          size_t sealed_len,
                          const struct zephyr_random *random,
                          const struct zephyr_hedge *hedge,
                          uint8_t *out,
                          size_t out_len,
                          size_t *needed);

/**
 * A mixer with its key of a round.
 *
 * `memory` is lent, ZEPHYR_MIXER_SIZE bytes, until zephyr_mixer_wipe; `hops` and `payload_len` are the network's;
 * `directory` is the round's directory's hash and `secret` random, 32 bytes each, the latter used in this round only.
 */
zephyr_status zephyr_mixer_init(void *memory,
                                size_t memory_len,
                                size_t hops,
                                size_t payload_len,
                                const uint8_t *directory,
                                const uint8_t *secret,
                                struct zephyr_mixer **out);

/**
 * Ends a mixer, overwrites its key, and gives its memory back. Of no effect on NULL.
 */
zephyr_status zephyr_mixer_wipe(struct zephyr_mixer *mixer);

/**
 * The public key, 32 bytes, that goes with a mixer's secret of a round, 32 bytes.
 */
zephyr_status zephyr_mixer_key(const uint8_t *secret, uint8_t *out);

/**
 * Peels one layer of a packet, in place (one X25519). `position` counts the hops from 0.
 *
 * A mixer drops a packet whose first 32 bytes, the ephemeral key, it has seen in this round before.
 * @return ZEPHYR_ERROR_PACKET if it is none for this mixer, round and position: drop it.
 */
zephyr_status zephyr_mixer_peel(const struct zephyr_mixer *mixer,
                                size_t position,
                                uint8_t *packet,
                                size_t packet_len,
                                struct zephyr_next *out);

/**
 * Verifies a round's directory: that it fits the manifest, has a key of every PKG, and is signed by all its mixers.
 *
 * `memory` is lent, ZEPHYR_ROUND_SIZE bytes, until zephyr_round_wipe. The directory is not kept. With `verify_proofs`
 * the PKGs' proofs of knowledge are verified too; without, that is left to the mixers, each of which has done it.
 * Clients take only rounds that are later than all before.
 * @return ZEPHYR_ERROR_DIRECTORY if it is not valid.
 */
zephyr_status zephyr_round_init(void *memory,
                                size_t memory_len,
                                const struct zephyr_manifest *manifest,
                                const uint8_t *directory,
                                size_t directory_len,
                                bool verify_proofs,
                                struct zephyr_round **out);

/**
 * A round from what messages are bound to, for programs that verify directories in their own way. It has no schedule,
 * mixers or routes.
 *
 * `memory` is lent, ZEPHYR_ROUND_SIZE bytes, until zephyr_round_wipe; `network` is the network's id and `directory` the
 * directory's hash, 32 bytes each; `pkg_keys` are the keys of all PKGs one after the other, ZEPHYR_PKG_KEY_SIZE bytes
 * each, whose proofs zephyr_pkg_key_verify has verified.
 * @return ZEPHYR_ERROR_KEY if a key or their sum is none.
 */
zephyr_status zephyr_round_init_from_keys(void *memory,
                                          size_t memory_len,
                                          const uint8_t *network,
                                          uint64_t round,
                                          const uint8_t *directory,
                                          const uint8_t *pkg_keys,
                                          size_t pkg_keys_len,
                                          struct zephyr_round **out);

/**
 * Ends a round and gives its memory back. Of no effect on NULL.
 */
zephyr_status zephyr_round_wipe(struct zephyr_round *round);

/**
 * The round's number.
 */
zephyr_status zephyr_round_number(const struct zephyr_round *round, uint64_t *out);

/**
 * The directory's hash, 32 bytes, to which everything in the round is bound.
 */
zephyr_status zephyr_round_directory(const struct zephyr_round *round, uint8_t *out);

/**
 * The round's times.
 *
 * @return ZEPHYR_ERROR_ARGUMENT for a round from keys alone.
 */
zephyr_status zephyr_round_schedule(const struct zephyr_round *round, struct zephyr_schedule *out);

/**
 * The round's mixers and their keys, in ascending order.
 *
 * `out` has room for `out_count` of them (ZEPHYR_MAX_MIXERS are always enough), `needed` (may be NULL) is given their
 * number.
 * @return ZEPHYR_ERROR_ARGUMENT for a round from keys alone.
 */
zephyr_status zephyr_round_mixers(const struct zephyr_round *round,
                                  struct zephyr_hop *out,
                                  size_t out_count,
                                  size_t *needed);

/**
 * A route for one packet through the round's mixers.
 *
 * `out` has room for `out_count` hops (ZEPHYR_MAX_HOPS are always enough), `needed` (may be NULL) is given their number.
 * @return ZEPHYR_ERROR_ARGUMENT for a round from keys alone.
 */
zephyr_status zephyr_round_route(const struct zephyr_round *round,
                                 const struct zephyr_random *random,
                                 struct zephyr_hop *out,
                                 size_t out_count,
                                 size_t *needed);

/**
 * A route for one packet through some mixers: as zephyr_round_route, for programs that verify directories in their own
 * way.
 *
 * `routes` is ZEPHYR_ROUTES_..., `hops` the network's number of them, `directory` the directory's hash, 32 bytes,
 * `mixers` those of the directory in ascending order. `out` has room for `out_count` hops (ZEPHYR_MAX_HOPS are always
 * enough), `needed` (may be NULL) is given their number.
 */
zephyr_status zephyr_route(uint32_t routes,
                           size_t hops,
                           const uint8_t *directory,
                           const struct zephyr_hop *mixers,
                           size_t mixers_count,
                           const struct zephyr_random *random,
                           struct zephyr_hop *out,
                           size_t out_count,
                           size_t *needed);

/**
 * Seals a payload for `recipient` in a round (one pairing, two multiplications): nobody else can open it, and nobody at
 * all after the round.
 *
 * `sender_key` is the one to `recipient`, or NULL: anonymous. `payload_len` is the network's. `random` gives random
 * numbers; `hedge` may be NULL. `out` is given the sealed message, `needed` (may be NULL) its length,
 * ZEPHYR_SEALED_LEN(payload_len); it must not overlap the payload's body.
 * @return ZEPHYR_ERROR_ARGUMENT if the payload can't be as it is, such as one whose body is too long;
 * ZEPHYR_ERROR_KEY if `sender_key` is of another round, or to somebody else.
 */
zephyr_status zephyr_seal(const struct zephyr_round *round,
                          const struct zephyr_identity *recipient,
                          const struct zephyr_sender_key *sender_key,
                          const struct zephyr_payload *payload,
                          size_t payload_len,
                          const struct zephyr_random *random,
                          const struct zephyr_hedge *hedge,
                          uint8_t *out,
                          size_t out_len,
                          size_t *needed);

/**
 * Makes a cover message (one multiplication): to everybody it looks like a message to somebody else.
 *
 * `payload_len` is the network's. `out` is given the message, `needed` (may be NULL) its length,
 * ZEPHYR_SEALED_LEN(payload_len).
 */
zephyr_status zephyr_cover(size_t payload_len,
                           const struct zephyr_random *random,
                           uint8_t *out,
                           size_t out_len,
                           size_t *needed);

/**
 * Tries to open a message that bears no known tag, in place (one pairing; if it is the user's and names its sender,
 * another).
 *
 * `key` is the user's of this round. What stands in the message afterwards is the payload if it was opened, else
 * nothing that matters.
 * @return ZEPHYR_ERROR_NOT_MINE if it is somebody else's, damaged, or not from whom it says: which is not told.
 */
zephyr_status zephyr_open(const struct zephyr_round *round,
                          const struct zephyr_private_key *key,
                          uint8_t *message,
                          size_t message_len,
                          struct zephyr_opened *out);

/**
 * Opens a message, in place, that bears the tag of this slot and sender (one pairing, and none if it was not made by the
 * sender).
 *
 * `key` is the user's of this round, `sender_key` the one from the sender. What stands in the message afterwards is the
 * payload if it was opened, else nothing that matters.
 * @return ZEPHYR_ERROR_NOT_MINE if it is not an undamaged message from the sender in that slot.
 */
zephyr_status zephyr_open_from(const struct zephyr_round *round,
                               const struct zephyr_private_key *key,
                               const struct zephyr_sender_key *sender_key,
                               uint16_t slot,
                               uint8_t *message,
                               size_t message_len,
                               struct zephyr_opened *out);

/**
 * The key under which the owner of `key` writes to `recipient` (one pairing).
 *
 * `memory` is lent, ZEPHYR_SENDER_KEY_SIZE bytes, until zephyr_sender_key_wipe. `key` and `recipient` are not kept.
 */
zephyr_status zephyr_sender_key_init_to(void *memory,
                                        size_t memory_len,
                                        const struct zephyr_private_key *key,
                                        const struct zephyr_identity *recipient,
                                        struct zephyr_sender_key **out);

/**
 * The key under which the owner of `key` gets messages of `sender` (one pairing).
 *
 * `memory` is lent, ZEPHYR_SENDER_KEY_SIZE bytes, until zephyr_sender_key_wipe. `key` and `sender` are not kept.
 */
zephyr_status zephyr_sender_key_init_from(void *memory,
                                          size_t memory_len,
                                          const struct zephyr_private_key *key,
                                          const struct zephyr_identity *sender,
                                          struct zephyr_sender_key **out);

/**
 * Ends a key, overwrites it, and gives its memory back. Of no effect on NULL.
 */
zephyr_status zephyr_sender_key_wipe(struct zephyr_sender_key *key);

/**
 * The tag, ZEPHYR_TAG_SIZE bytes, of the message in a slot of the round: the recipient looks for it in the mailbox.
 */
zephyr_status zephyr_sender_key_tag(const struct zephyr_sender_key *key,
                                    uint16_t slot,
                                    uint8_t *out);

/**
 * The length in bytes of a sealed message; ZEPHYR_SEALED_LEN computes the same.
 *
 * @return ZEPHYR_ERROR_ARGUMENT if no network has such a payload length.
 */
zephyr_status zephyr_sealed_len(size_t payload_len, size_t *out);

/**
 * The length in bytes of a packet; ZEPHYR_PACKET_LEN computes the same.
 *
 * @return ZEPHYR_ERROR_ARGUMENT if no network has so many hops or such a payload length.
 */
zephyr_status zephyr_packet_len(size_t hops, size_t payload_len, size_t *out);

/**
 * How many bytes of body a payload has room for beside its sender's address. `sender` may be NULL: anonymous.
 *
 * @return ZEPHYR_ERROR_ARGUMENT if no network has such a payload length.
 */
zephyr_status zephyr_body_len_max(size_t payload_len,
                                  const char *sender,
                                  size_t *out);

#if defined(ZEPHYR_IO)
/**
 * Writes the whole home, encrypted under a passphrase of at least 8 characters, into a new file, from which
 * zephyr_client_restore makes a home. Works while the client takes part. Takes about a second.
 *
 * @return ZEPHYR_ERROR_PASSPHRASE if the passphrase is too short, ZEPHYR_ERROR_EXISTS if there is such a file,
 * ZEPHYR_ERROR_FILE if it can't be written.
 */
zephyr_status zephyr_client_export_backup(struct zephyr_client *client,
                                          const char *file,
                                          const char *passphrase);
#endif

#if defined(ZEPHYR_IO)
/**
 * Adds a contact, or changes the note of one. Between people who have each other as contacts nothing is lost, and
 * nothing comes twice.
 *
 * `note` may be NULL: it stays as it is.
 * @return ZEPHYR_ERROR_ADDRESS, ZEPHYR_ERROR_OWN_ADDRESS, ZEPHYR_ERROR_BLOCKED, or ZEPHYR_ERROR_CONTACTS_FULL.
 */
zephyr_status zephyr_client_add_contact(struct zephyr_client *client,
                                        const char *address_text,
                                        const char *note);
#endif

#if defined(ZEPHYR_IO)
/**
 * Removes a contact and what is in the outbox for it. Of no effect if it is none.
 */
zephyr_status zephyr_client_remove_contact(struct zephyr_client *client, const char *address_text);
#endif

#if defined(ZEPHYR_IO)
/**
 * Blocks an address: it is no contact any more, nothing that provably comes from it is taken, and nothing can be sent
 * to it. Nobody is told. Of no effect if it is blocked already.
 */
zephyr_status zephyr_client_block(struct zephyr_client *client,
                                  const char *address_text);
#endif

#if defined(ZEPHYR_IO)
/**
 * Takes again what comes from an address. It is no contact before it is added. Of no effect if it is not blocked.
 */
zephyr_status zephyr_client_unblock(struct zephyr_client *client,
                                    const char *address_text);
#endif

#if defined(ZEPHYR_IO)
/**
 * All contacts, and behind them those who are blocked.
 */
zephyr_status zephyr_client_contacts(struct zephyr_client *client,
                                     zephyr_on_contact on_contact,
                                     void *userdata);
#endif

#if defined(ZEPHYR_IO)
/**
 * Whether messages of people who are no contacts are left unopened, from the next start on.
 */
zephyr_status zephyr_client_set_contacts_only(struct zephyr_client *client, bool contacts_only);
#endif

#if defined(ZEPHYR_IO)
/**
 * The messages that came, the oldest first; with `unseen_only` only those that were not marked as seen.
 */
zephyr_status zephyr_client_inbox(struct zephyr_client *client,
                                  bool unseen_only,
                                  zephyr_on_inbox_message on_message,
                                  void *userdata);
#endif

#if defined(ZEPHYR_IO)
/**
 * Marks a message as seen: zephyr_client_inbox leaves it out if it is asked to. Of no effect if there is none with
 * this number.
 */
zephyr_status zephyr_client_mark_seen(struct zephyr_client *client,
                                      uint64_t id);
#endif

#if defined(ZEPHYR_IO)
/**
 * Puts a text into the outbox. Who is written to becomes a contact. It leaves while the client takes part in the
 * rounds, and is sent again until the recipient, who must have added the user, has acknowledged it.
 *
 * `queued` may be NULL.
 * @return ZEPHYR_ERROR_ADDRESS, ZEPHYR_ERROR_OWN_ADDRESS, ZEPHYR_ERROR_BLOCKED, ZEPHYR_ERROR_ARGUMENT if the text is
 * empty, ZEPHYR_ERROR_TOO_LONG, or ZEPHYR_ERROR_CONTACTS_FULL: nothing was queued then.
 */
zephyr_status zephyr_client_send_text(struct zephyr_client *client,
                                      const char *to,
                                      const char *message,
                                      struct zephyr_queued *queued);
#endif

#if defined(ZEPHYR_IO)
/**
 * Puts bytes, such as a file, into the outbox; else as zephyr_client_send_text.
 */
zephyr_status zephyr_client_send_bytes(struct zephyr_client *client,
                                       const char *to,
                                       const uint8_t *data,
                                       size_t data_len,
                                       struct zephyr_queued *queued);
#endif

#if defined(ZEPHYR_IO)
/**
 * How far a message has come.
 *
 * @return ZEPHYR_ERROR_NO_MESSAGE if there is none with this number in the outbox.
 */
zephyr_status zephyr_client_delivery(struct zephyr_client *client,
                                     uint64_t id,
                                     struct zephyr_delivery *delivery);
#endif

#if defined(ZEPHYR_IO)
/**
 * Waits until a message is in its recipient's inbox, at most `timeout_ms` milliseconds (UINT64_MAX: for ever). The
 * client must take part meanwhile.
 *
 * @return ZEPHYR_ERROR_TIMEOUT, ZEPHYR_ERROR_NO_MESSAGE if there is none with this number in the outbox, or not any
 * more, ZEPHYR_ERROR_CLOSED.
 */
zephyr_status zephyr_client_wait_delivered(struct zephyr_client *client,
                                           uint64_t id,
                                           uint64_t timeout_ms);
#endif

#if defined(ZEPHYR_IO)
/**
 * Creates a home for an address in a network, in a folder that is made if there is none, and opens it. If it is there
 * already, for the same address and network, it is opened.
 *
 * `network` is the text of a network file (network.toml), not its name.
 * @return ZEPHYR_ERROR_ADDRESS, ZEPHYR_ERROR_NETWORK if the text is no network file, ZEPHYR_ERROR_OTHER_HOME if there
 * is a home for another address or network, ZEPHYR_ERROR_IN_USE if another program or client uses it.
 */
zephyr_status zephyr_client_create(const char *dir,
                                   const char *address_text,
                                   const char *network,
                                   struct zephyr_client **client);
#endif

#if defined(ZEPHYR_IO)
/**
 * Opens the home in a folder.
 *
 * @return ZEPHYR_ERROR_NO_HOME if there is none, ZEPHYR_ERROR_IN_USE if another program or client uses it.
 */
zephyr_status zephyr_client_open(const char *dir,
                                 struct zephyr_client **client);
#endif

#if defined(ZEPHYR_IO)
/**
 * Makes a home in a folder from a backup, and opens it. Nobody may use the home that was backed up any more. What was
 * not delivered when the backup was made is sent again; registrations go on. Takes about a second.
 *
 * @return ZEPHYR_ERROR_PASSPHRASE if the passphrase is wrong or the file is no backup, ZEPHYR_ERROR_EXISTS if there is
 * a home in the folder already.
 */
zephyr_status zephyr_client_restore(const char *backup,
                                    const char *passphrase,
                                    const char *dir,
                                    struct zephyr_client **client);
#endif

#if defined(ZEPHYR_IO)
/**
 * Stops taking part, ends the calls that other threads are in, waits for the callback that runs, and closes the home.
 * No callback begins after it has returned, nor does one run. What is on its way is sent again when the home is
 * opened again. Of no effect on NULL.
 *
 * @return ZEPHYR_ERROR_IN_CALLBACK in a callback of zephyr_callbacks, of whatever client: nothing was done then.
 */
zephyr_status zephyr_client_close(struct zephyr_client *client);
#endif

#if defined(ZEPHYR_IO)
/**
 * The client's own address.
 *
 * `out` is given it with a NUL behind it, `needed` (may be NULL) its length with the NUL; ZEPHYR_ADDRESS_MAX + 1 are
 * always enough.
 */
zephyr_status zephyr_client_address(struct zephyr_client *client,
                                    char *out,
                                    size_t out_len,
                                    size_t *needed);
#endif

#if defined(ZEPHYR_IO)
/**
 * The id of the client's network: 32 bytes to `out`. People compare it, in hexadecimal digits, with the network file.
 */
zephyr_status zephyr_client_network(struct zephyr_client *client,
                                    uint8_t *out);
#endif

#if defined(ZEPHYR_IO)
/**
 * All messages in the outbox, the oldest first: those on their way, and the last 1,000 that were delivered.
 */
zephyr_status zephyr_client_outbox(struct zephyr_client *client,
                                   zephyr_on_outbox_message on_message,
                                   void *userdata);
#endif

#if defined(ZEPHYR_IO)
/**
 * How far the registration with each PKG has come, as far as the home knows.
 */
zephyr_status zephyr_client_registration(struct zephyr_client *client,
                                         zephyr_on_pkg on_pkg,
                                         void *userdata);
#endif

#if defined(ZEPHYR_IO)
/**
 * Whether the address is registered with all PKGs, as far as the home knows: it can send and receive.
 */
zephyr_status zephyr_client_is_registered(struct zephyr_client *client,
                                          bool *out);
#endif

#if defined(ZEPHYR_IO)
/**
 * Has every PKG with which the address is not registered mail a code to it. Waits for their answers.
 *
 * `on_answer` may be NULL.
 * @return ZEPHYR_OK if all of them did, or what the first one answered that did not: ZEPHYR_ERROR_UNREACHABLE,
 * ZEPHYR_ERROR_LATER if too many codes were asked for, ZEPHYR_ERROR_ADDRESS if no mail can be sent there, ...
 */
zephyr_status zephyr_client_register(struct zephyr_client *client,
                                     zephyr_on_answer on_answer,
                                     void *userdata);
#endif

#if defined(ZEPHYR_IO)
/**
 * Brings the code that the PKG with the number `pkg` mailed, as people type it.
 *
 * `state` (may be NULL) is given ZEPHYR_REGISTRATION_REGISTERED or ZEPHYR_REGISTRATION_WAITING.
 * @return ZEPHYR_ERROR_CODE if the text is no code (no try was used up), ZEPHYR_ERROR_WRONG_CODE (zephyr_last_error
 * tells how many tries are left), ZEPHYR_ERROR_NO_CODE if the PKG waits for none any more: register again.
 */
zephyr_status zephyr_client_confirm(struct zephyr_client *client,
                                    size_t pkg,
                                    const char *code,
                                    zephyr_registration_state *state);
#endif

#if defined(ZEPHYR_IO)
/**
 * Stops the replacement of this home's key at all PKGs: somebody else asked for codes for the address. Waits for their
 * answers; as zephyr_client_register.
 */
zephyr_status zephyr_client_veto(struct zephyr_client *client,
                                 zephyr_on_answer on_answer,
                                 void *userdata);
#endif

#if defined(ZEPHYR_IO)
/**
 * Deletes the registration at all PKGs: nobody can write to the address any more. Waits for their answers; as
 * zephyr_client_register.
 */
zephyr_status zephyr_client_unregister(struct zephyr_client *client,
                                       zephyr_on_answer on_answer,
                                       void *userdata);
#endif

#if defined(ZEPHYR_IO)
/**
 * Starts to take part in the network's rounds, in threads of the library's own, until zephyr_client_stop,
 * zephyr_client_close, or a failure that can't be retried.
 *
 * `callbacks` may be NULL, and is not kept: what its pointers point to must live until the client is closed. What
 * came earlier and was not marked as seen is not told again: see zephyr_client_inbox.
 * @return ZEPHYR_ERROR_RUNNING if it takes part already.
 */
zephyr_status zephyr_client_start(struct zephyr_client *client,
                                  const struct zephyr_callbacks *callbacks);
#endif

#if defined(ZEPHYR_IO)
/**
 * Pauses: returns when the client takes part no more. Whatever had happened until then is still told, on_stopped
 * last. Of no effect if it does not take part.
 */
zephyr_status zephyr_client_stop(struct zephyr_client *client);
#endif

/**
 * The socket of a connection is open: there is something to send now.
 */
zephyr_status zephyr_session_connected(struct zephyr_session *session, uint32_t connection);

/**
 * Bytes came over a connection's socket. They are handled by zephyr_session_poll.
 *
 * `taken` is how many there was room for. If these are not all, poll until ZEPHYR_ACTION_NONE, and then give the rest.
 * @return ZEPHYR_ERROR_CONNECTION if there is no such connection (any more); ZEPHYR_ERROR_STATE before
 * zephyr_session_connected.
 */
zephyr_status zephyr_session_received(struct zephyr_session *session,
                                      uint32_t connection,
                                      const uint8_t *data,
                                      size_t len,
                                      size_t *taken);

/**
 * What waits to be sent over a connection: nothing if `len` is 0. `data` lives until the session is used again.
 */
zephyr_status zephyr_session_to_send(const struct zephyr_session *session,
                                     uint32_t connection,
                                     const uint8_t **data,
                                     size_t *len);

/**
 * The first `n` bytes of zephyr_session_to_send have been sent. Tell at once, before anything that is received.
 *
 * @return ZEPHYR_ERROR_ARGUMENT if there were fewer.
 */
zephyr_status zephyr_session_sent(struct zephyr_session *session,
                                  uint32_t connection,
                                  size_t n);

/**
 * A connection could not be opened, broke, or was closed by the server. Close its socket; no ZEPHYR_ACTION_CLOSE
 * follows. The session tries again by itself.
 */
zephyr_status zephyr_session_failed(struct zephyr_session *session,
                                    uint32_t connection,
                                    uint64_t now_ms);

/**
 * Adds a contact: slots go to contacts, and their messages are found without trial decryption. Computes for some
 * milliseconds. Of no effect if it is one already.
 *
 * @return ZEPHYR_ERROR_FULL if the session has no room for another one; ZEPHYR_ERROR_OWN_ADDRESS if it is the user's.
 */
zephyr_status zephyr_session_add_contact(struct zephyr_session *session,
                                         const char *address_text);

/**
 * Removes a contact. Of no effect if it is none.
 */
zephyr_status zephyr_session_remove_contact(struct zephyr_session *session,
                                            const char *address_text);

/**
 * How many bytes of a message fit into one fragment.
 */
zephyr_status zephyr_session_fragment_len(const struct zephyr_session *session, size_t *out);

/**
 * After how many rounds a fragment is sent again if it was not acknowledged: for zephyr_conversation_fill. Changes with
 * the number of contacts.
 */
zephyr_status zephyr_session_resend_after(const struct zephyr_session *session,
                                          uint64_t *out);

/**
 * Tells a session, right after its beginning, of the version of the network that follows, if one is known: the bytes of
 * ZEPHYR_ACTION_VERSION, which the program has kept.
 *
 * @return ZEPHYR_ERROR_SIGNATURE if it does not follow, or is not signed by those who must.
 */
zephyr_status zephyr_session_set_next(struct zephyr_session *session,
                                      const uint8_t *signed_manifest,
                                      size_t len);

/**
 * A conversation with somebody who has just become a contact.
 *
 * `memory` is lent, ZEPHYR_CONVERSATION_SIZE bytes, until zephyr_conversation_wipe; `now_ms` is the local time in
 * milliseconds since 1970: the stream begins with it, so that it is later than any that was forgotten.
 */
zephyr_status zephyr_conversation_init(void *memory,
                                       size_t memory_len,
                                       uint64_t now_ms,
                                       struct zephyr_conversation **out);

/**
 * A conversation as zephyr_conversation_save wrote it. What was in a slot then, and was not reported as sent, is due
 * again: nobody knows whether it was.
 *
 * `memory` is lent, ZEPHYR_CONVERSATION_SIZE bytes, until zephyr_conversation_wipe.
 * @return ZEPHYR_ERROR_DAMAGED if the bytes are not what was saved.
 */
zephyr_status zephyr_conversation_load(void *memory,
                                       size_t memory_len,
                                       const uint8_t *saved,
                                       size_t saved_len,
                                       struct zephyr_conversation **out);

/**
 * Writes a conversation down: ZEPHYR_CONVERSATION_SAVED_LEN bytes. They are not secret, but tell how much was said.
 */
zephyr_status zephyr_conversation_save(const struct zephyr_conversation *conversation,
                                       uint8_t *out,
                                       size_t out_len,
                                       size_t *needed);

/**
 * Ends a conversation and gives its memory back. Of no effect on NULL.
 */
zephyr_status zephyr_conversation_wipe(struct zephyr_conversation *conversation);

/**
 * Gives a message's fragments their numbers: `first` is the first one's, the others' follow. If nothing is under way
 * they begin a new stream, from 1.
 *
 * `now_ms` is the local time in milliseconds since 1970.
 * @return ZEPHYR_ERROR_FULL if the stream has no more numbers: wait until all is acknowledged.
 */
zephyr_status zephyr_conversation_push(struct zephyr_conversation *conversation,
                                       uint16_t fragments,
                                       uint64_t now_ms,
                                       uint32_t *first);

/**
 * What goes into a slot of ZEPHYR_ACTION_FILL: `draft` is given the numbers.
 *
 * If `sequence` of the draft is not 0, fill in what that fragment is: content, message, fragment, fragments, body. If it
 * is 0 and `content` ZEPHYR_CONTENT_EMPTY, the draft is an acknowledgement alone, and complete. Then save the
 * conversation, and only then call zephyr_session_fill.
 *
 * `resend_after` comes from zephyr_session_resend_after.
 * @return ZEPHYR_ERROR_SLOT if there is nothing to be sent: fill the slot with NULL.
 */
zephyr_status zephyr_conversation_fill(struct zephyr_conversation *conversation,
                                       uint64_t round,
                                       uint32_t slot,
                                       uint64_t resend_after,
                                       struct zephyr_draft *draft);

/**
 * ZEPHYR_EVENT_SLOT_SENT: a mixer took what was in the slot. Tell all conversations; those to which the slot does not
 * belong are not changed.
 */
zephyr_status zephyr_conversation_sent(struct zephyr_conversation *conversation,
                                       uint64_t round,
                                       uint32_t slot);

/**
 * ZEPHYR_EVENT_SLOT_FAILED, or ZEPHYR_ERROR_SLOT from zephyr_session_fill: what was in the slot is due again. Tell all
 * conversations; those to which the slot does not belong are not changed.
 */
zephyr_status zephyr_conversation_failed(struct zephyr_conversation *conversation,
                                         uint64_t round,
                                         uint32_t slot);

/**
 * ZEPHYR_EVENT_MISSED_VOID: nothing of the round arrived, so what was sent in it is due again. Tell all conversations.
 */
zephyr_status zephyr_conversation_void(struct zephyr_conversation *conversation,
                                       uint64_t round);

/**
 * ZEPHYR_ACTION_FRAGMENT from this contact: what it acknowledges, and what the fragment is. See zephyr_arrival.
 */
zephyr_status zephyr_conversation_receive(struct zephyr_conversation *conversation,
                                          const struct zephyr_fragment *fragment,
                                          struct zephyr_arrival *out);

/**
 * All messages that are not delivered, of so many fragments together, are sent from the beginning, in this stream and
 * with the numbers from 1 on: see zephyr_arrival.restart.
 *
 * @return ZEPHYR_ERROR_ARGUMENT if the stream is not later than the one before.
 */
zephyr_status zephyr_conversation_restart(struct zephyr_conversation *conversation,
                                          uint32_t stream,
                                          uint32_t fragments);

/**
 * What has arrived from this contact is not here any more: a duplicate came of which the program has nothing. The
 * contact starts over. Forget the fragments of messages that are not whole.
 */
zephyr_status zephyr_conversation_forget(struct zephyr_conversation *conversation);

/**
 * A sentence in English for a kind of event. Lives for ever; never NULL.
 */
const char *zephyr_event_text(uint32_t kind);

/**
 * How many bytes to lend for a session with these settings. Only what concerns sizes is read of them: the manifest,
 * contacts, connections, frame_len and flags.
 */
zephyr_status zephyr_session_size(const struct zephyr_session_settings *settings,
                                  size_t *out);

/**
 * Begins a session. What it is told is copied; `memory` is lent until zephyr_session_wipe.
 *
 * `memory_len` is at least what zephyr_session_size says; `now_ms` the local time in milliseconds since 1970.
 * @return ZEPHYR_ERROR_MANIFEST or ZEPHYR_ERROR_ADDRESS if these are none; ZEPHYR_ERROR_ARGUMENT for numbers out of
 * range.
 */
zephyr_status zephyr_session_init(void *memory,
                                  size_t memory_len,
                                  const struct zephyr_session_settings *settings,
                                  uint64_t now_ms,
                                  struct zephyr_session **out);

/**
 * Ends a session, overwrites its keys, and gives its memory back. Close the sockets of all its connections. Of no
 * effect on NULL.
 */
zephyr_status zephyr_session_wipe(struct zephyr_session *session);

#if defined(ZEPHYR_IO)
/**
 * The manifest that is in effect now, from the text of a network file: what zephyr_session_settings and
 * zephyr_registration_init take. Without ZEPHYR_IO, `zephyr network export` makes it.
 *
 * `now_ms` is the time in milliseconds since 1970. `out` is given the manifest, `needed` (may be NULL) its length, which
 * is 65536 at most.
 * @return ZEPHYR_ERROR_NETWORK if the text is no network file, or was altered.
 */
zephyr_status zephyr_network_manifest(const char *network_text,
                                      uint64_t now_ms,
                                      uint8_t *out,
                                      size_t out_len,
                                      size_t *needed);
#endif

/**
 * Prepares an exchange with the PKG that has this index in the manifest.
 *
 * `memory` is lent, ZEPHYR_REGISTRATION_SIZE bytes, until zephyr_registration_wipe. `seed` is the user's secret of 32
 * bytes, the same as in zephyr_session_settings. `task` is one of ZEPHYR_TASK_...; `code` is only for
 * ZEPHYR_TASK_CONFIRM, as people type it, and else NULL.
 * @return ZEPHYR_ERROR_SERVER if there is no such PKG: the network has as many as there are indices before;
 * ZEPHYR_ERROR_CODE if the code is none.
 */
zephyr_status zephyr_registration_init(void *memory,
                                       size_t memory_len,
                                       const uint8_t *manifest,
                                       size_t manifest_len,
                                       uint32_t pkg,
                                       const char *address_text,
                                       const uint8_t *seed,
                                       uint32_t task,
                                       const char *code,
                                       const struct zephyr_random *random,
                                       struct zephyr_registration **out);

/**
 * Ends an exchange, overwrites its secrets, and gives its memory back. Of no effect on NULL.
 */
zephyr_status zephyr_registration_wipe(struct zephyr_registration *registration);

/**
 * The PKG's name for people. `out` is given it with a NUL behind it, `needed` (may be NULL) its length with the NUL; 256
 * are always enough.
 */
zephyr_status zephyr_registration_name(const struct zephyr_registration *registration,
                                       char *out,
                                       size_t out_len,
                                       size_t *needed);

/**
 * Where to connect to: `host:port`, or `ws://host:port/` for a WebSocket. `out` is given it with a NUL behind it,
 * `needed` (may be NULL) its length with the NUL; 256 are always enough.
 */
zephyr_status zephyr_registration_server(const struct zephyr_registration *registration,
                                         char *out,
                                         size_t out_len,
                                         size_t *needed);

/**
 * The fingerprint of the user's key for this PKG, which its mail shows as well: people compare them, so that nobody else
 * registers the address with their code. `out` is given 24 characters, such as `1a2b 3c4d 5e6f 7a8b 9c0d`, and a NUL.
 */
zephyr_status zephyr_registration_fingerprint(const struct zephyr_registration *registration,
                                              char *out,
                                              size_t out_len,
                                              size_t *needed);

/**
 * What waits to be sent: nothing if `len` is 0. `data` lives until the exchange is used again.
 */
zephyr_status zephyr_registration_to_send(const struct zephyr_registration *registration,
                                          const uint8_t **data,
                                          size_t *len);

/**
 * The first `n` bytes of zephyr_registration_to_send have been sent.
 *
 * @return ZEPHYR_ERROR_ARGUMENT if there were fewer.
 */
zephyr_status zephyr_registration_sent(struct zephyr_registration *registration, size_t n);

/**
 * Bytes came from the PKG. What comes behind the answer is dropped.
 *
 * @return ZEPHYR_ERROR_LINK if the server is not the PKG, or doesn't keep to the protocol: close the connection.
 */
zephyr_status zephyr_registration_received(struct zephyr_registration *registration,
                                           const uint8_t *data,
                                           size_t len);

/**
 * What the PKG answered; of the kind ZEPHYR_ANSWER_NONE as long as it has not.
 */
zephyr_status zephyr_registration_answer(const struct zephyr_registration *registration,
                                         struct zephyr_answer *out);

/**
 * A sentence in English for a refusal. Lives for ever; never NULL.
 */
const char *zephyr_refusal_text(uint32_t refusal);

/**
 * What is to be done next. Call it until it gives ZEPHYR_ACTION_NONE, after everything that happens: bytes that came,
 * a connection that was opened or failed, or the time of zephyr_session_wake_up.
 *
 * `now_ms` is the local time in milliseconds since 1970.
 * @return ZEPHYR_ERROR_RANDOM if the source of random numbers fails: nothing was done.
 */
zephyr_status zephyr_session_poll(struct zephyr_session *session,
                                  uint64_t now_ms,
                                  struct zephyr_action *action);

/**
 * Fills the slot of ZEPHYR_ACTION_FILL. Computes for some milliseconds.
 *
 * `draft` is what goes into it; NULL: nothing, so that it carries cover.
 * @return ZEPHYR_ERROR_SLOT if it carries cover after all: tell the conversation with zephyr_conversation_failed.
 */
zephyr_status zephyr_session_fill(struct zephyr_session *session,
                                  uint64_t round,
                                  uint32_t slot,
                                  const struct zephyr_draft *draft);

/**
 * When to call zephyr_session_poll again at the latest, if nothing happens before: local time in milliseconds since
 * 1970. Ask after zephyr_session_poll gave ZEPHYR_ACTION_NONE.
 */
zephyr_status zephyr_session_wake_up(const struct zephyr_session *session,
                                     uint64_t *out);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* ZEPHYR_H */
