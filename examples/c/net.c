#include "net.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Cuts `host:port` or `[host]:port`. */
static int split(const char *server, char *host, size_t host_len, const char **port) {
    const char *colon = strrchr(server, ':');
    size_t len;
    if (colon == NULL || strncmp(server, "ws:", 3) == 0 || strncmp(server, "wss:", 4) == 0) {
        return 0; /* A WebSocket: this program speaks none. */
    }
    len = (size_t)(colon - server);
    if (len >= 2 && server[0] == '[' && server[len - 1] == ']') {
        server += 1;
        len -= 2;
    }
    if (len >= host_len) {
        return 0;
    }
    memcpy(host, server, len);
    host[len] = '\0';
    *port = colon + 1;
    return 1;
}

int net_connect(const char *server) {
    char host[256];
    const char *port;
    struct addrinfo hints, *found = NULL, *one;
    int result = -1;
    if (!split(server, host, sizeof host, &port)) {
        return -1;
    }
    memset(&hints, 0, sizeof hints);
    hints.ai_socktype = SOCK_STREAM;
    /* Looking a name up waits. A program that can't wait does it in a thread, or with a library for that. */
    if (getaddrinfo(host, port, &hints, &found) != 0) {
        return -1;
    }
    for (one = found; one != NULL && result < 0; one = one->ai_next) {
        int fd = socket(one->ai_family, one->ai_socktype, one->ai_protocol);
        if (fd < 0) {
            continue;
        }
        if (fcntl(fd, F_SETFL, O_NONBLOCK) == 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 &&
            (connect(fd, one->ai_addr, one->ai_addrlen) == 0 || errno == EINPROGRESS)) {
            result = fd;
        } else {
            close(fd);
        }
    }
    freeaddrinfo(found);
    return result;
}

int net_connected(int fd) {
    int error = 0;
    socklen_t len = sizeof error;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == 0;
}

static long moved(ssize_t result) {
    if (result < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
        return 0;
    }
    return result < 0 ? -1 : (long)result;
}

long net_send(int fd, const void *data, size_t len) {
    return moved(send(fd, data, len, MSG_NOSIGNAL));
}

long net_receive(int fd, void *data, size_t len) {
    ssize_t result = recv(fd, data, len, 0);
    return result == 0 ? -1 : moved(result); /* 0: the server has closed it. */
}
