/* Registering the address with all PKGs of the network. */
#ifndef REGISTRATION_H
#define REGISTRATION_H

#include "home.h"

struct user {
    const char *address;
    uint8_t seed[32];
    uint8_t *manifest;
    size_t manifest_len;
};

/* Asks for codes and reads them from stdin, unless all of that is done. 0 if stdin ended before. */
int register_user(const struct home *home, const struct user *user);

/* The next line of stdin without its end, or NULL. Lives until the next one. */
const char *read_line(void);

#endif
