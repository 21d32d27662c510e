/* The session, its sockets and stdin in one poll() loop. */
#ifndef CHAT_H
#define CHAT_H

#include "registration.h"

/* Takes part in the rounds until stdin ends or says `quit`. `user->manifest` is replaced when the network changes. */
void chat_run(const struct home *home, struct user *user);

#endif
