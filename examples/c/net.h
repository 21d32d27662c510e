/* Sockets that never wait. */
#ifndef NET_H
#define NET_H

#include <stddef.h>

/* Begins to connect to `host:port`; the socket, or -1. It can be written to when that is done. */
int net_connect(const char *server);

/* Whether that went well. */
int net_connected(int socket);

/* How many bytes were sent or came: 0 if none can be now, -1 if the connection is over. */
long net_send(int socket, const void *data, size_t len);
long net_receive(int socket, void *data, size_t len);

#endif
