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
