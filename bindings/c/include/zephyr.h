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
#define ZEPHYR_IDENTITY_SIZE (24 * 1024)

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
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum zephyr_status zephyr_status;
#else
typedef int32_t zephyr_status;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * An address in a network with its two points on the curve: keep it for who is written to often. Never changes, so
 * threads may share it.
 */
typedef struct zephyr_identity zephyr_identity;

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

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* ZEPHYR_H */
