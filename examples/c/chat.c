#include "chat.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "contact.h"
#include "net.h"

#define CONTACTS 64
#define CONNECTIONS 8
/* The clock may be set, so the session is asked at least this often. */
#define LONGEST_WAIT_MS 10000

/* The newest round in which something was sent, 8 bytes, and its directory, 32 bytes. */
#define LAST_ROUND "last-round"
/* The manifest, if it is a later version than the network file's; and the one that follows it, also with signatures. */
#define MANIFEST "manifest"
#define NEXT_MANIFEST "next-manifest"
#define SIGNED_MANIFEST "signed-manifest"

struct socket {
    int fd; /* -1: none */
    int connected;
    uint32_t connection;
};

struct chat {
    const struct home *home;
    struct user *user;
    void *memory;
    zephyr_session *session;
    size_t fragment_len;
    struct socket sockets[CONNECTIONS];
    struct contact *contacts;
    struct bytes input; /* of stdin, up to the end of a line */
    int done, over;
};

/* --- the session's beginning and end --- */

static void begin_session(struct chat *chat) {
    zephyr_session_settings settings;
    uint8_t *last, *next;
    size_t last_len, next_len, size;
    memset(&settings, 0, sizeof settings);
    settings.manifest = chat->user->manifest;
    settings.manifest_len = chat->user->manifest_len;
    settings.address = chat->user->address;
    settings.seed = chat->user->seed;
    settings.contacts = CONTACTS;
    settings.connections = CONNECTIONS;
    last = home_read(chat->home, LAST_ROUND, &last_len);
    if (last_len == 8 + 32) {
        struct reader from = {last, last_len};
        take_number(&from, &settings.last_round);
        settings.last_directory = from.data;
    }
    check(zephyr_session_size(&settings, &size));
    chat->memory = allocate(size);
    check(zephyr_session_init(chat->memory, size, &settings, now_ms(), &chat->session));
    free(last);
    check(zephyr_session_fragment_len(chat->session, &chat->fragment_len));
    if ((next = home_read(chat->home, SIGNED_MANIFEST, &next_len)) != NULL) {
        /* One that doesn't follow is of an older version. */
        (void)zephyr_session_set_next(chat->session, next, next_len);
        free(next);
    }
    for (struct contact *contact = chat->contacts; contact != NULL; contact = contact->next) {
        check(zephyr_session_add_contact(chat->session, contact->address));
    }
    for (int i = 0; i < CONNECTIONS; i++) {
        chat->sockets[i].fd = -1;
    }
}

static void close_socket(struct socket *socket) {
    if (socket->fd >= 0) {
        close(socket->fd);
        socket->fd = -1;
    }
}

static void end_session(struct chat *chat) {
    for (int i = 0; i < CONNECTIONS; i++) {
        close_socket(&chat->sockets[i]);
    }
    check(zephyr_session_wipe(chat->session));
    free(chat->memory);
}

/* --- what the session asks for --- */

/* The socket of a connection. The session never has two at once with the same remainder. */
static struct socket *socket_of(struct chat *chat, uint32_t connection) {
    return &chat->sockets[connection % CONNECTIONS];
}

static void open_connection(struct chat *chat, const zephyr_action *action) {
    struct socket *socket = socket_of(chat, action->connection);
    *socket = (struct socket){net_connect(action->server), 0, action->connection};
    if (socket->fd < 0) {
        check(zephyr_session_failed(chat->session, action->connection, now_ms()));
    }
}

static void fill(struct chat *chat, const zephyr_action *slot) {
    struct contact *contact = contact_find(chat->contacts, slot->contact);
    struct bytes last = {NULL, 0, 0};
    zephyr_draft draft;
    uint64_t resend_after, round = slot->round;
    uint32_t number = slot->slot;
    int filled;
    check(zephyr_session_resend_after(chat->session, &resend_after));
    filled = contact != NULL && contact_fill(contact, slot, resend_after, chat->fragment_len, &draft);
    /* First everything is written down, whatever the slot will carry. */
    put_number(&last, slot->round);
    put(&last, slot->directory, 32);
    home_write(chat->home, LAST_ROUND, last.data, last.len);
    free(last.data);
    if (filled) {
        contact_save(chat->home, contact);
    }
    if (zephyr_session_fill(chat->session, round, number, filled ? &draft : NULL) == ZEPHYR_ERROR_SLOT && filled) {
        check(zephyr_conversation_failed(contact->conversation, round, number));
        contact_save(chat->home, contact);
    }
}

static void received(struct chat *chat, const zephyr_fragment *fragment) {
    struct contact *contact = fragment->sender == NULL ? NULL : contact_find(chat->contacts, fragment->sender);
    if (contact != NULL) {
        contact_receive(contact, fragment, chat->fragment_len);
        contact_save(chat->home, contact);
    } else if (fragment->content == ZEPHYR_CONTENT_TEXT && fragment->fragments == 1) {
        /* Somebody who is no contact: nothing is acknowledged, and a longer message would have to be put together. */
        const char *sender = fragment->sender == NULL ? "anonymous" : fragment->sender;
        printf("%s: ", sender);
        for (size_t i = 0; i < fragment->body_len; i++) {
            putchar(fragment->body[i] < 0x20 || fragment->body[i] == 0x7f ? ' ' : fragment->body[i]);
        }
        printf("\n");
    }
}

static void note(struct chat *chat, const zephyr_event *event) {
    for (struct contact *contact = chat->contacts; contact != NULL; contact = contact->next) {
        switch (event->kind) {
        case ZEPHYR_EVENT_SLOT_SENT:
            check(zephyr_conversation_sent(contact->conversation, event->round, event->slot));
            break;
        case ZEPHYR_EVENT_SLOT_FAILED:
            check(zephyr_conversation_failed(contact->conversation, event->round, event->slot));
            break;
        case ZEPHYR_EVENT_MISSED_VOID:
            check(zephyr_conversation_void(contact->conversation, event->round));
            break;
        default:
            return;
        }
        contact_save(chat->home, contact);
    }
}

static void tell(const zephyr_event *event) {
    if (event->kind == ZEPHYR_EVENT_PKG_REFUSED) {
        complain("PKG %u: %s", event->server, zephyr_refusal_text(event->refusal));
    } else if (event->kind == ZEPHYR_EVENT_EQUIVOCATION || event->kind == ZEPHYR_EVENT_WRONG_SHARE) {
        complain("round %llu: %s", (unsigned long long)event->round, zephyr_event_text(event->kind));
    }
}

static void keep_version(const struct chat *chat, const zephyr_action *action) {
    home_write(chat->home, NEXT_MANIFEST, action->signed_manifest, action->manifest_len);
    home_write(chat->home, SIGNED_MANIFEST, action->signed_manifest, action->signed_manifest_len);
}

/* The version that was kept takes the place of the one that is over. */
static void next_version(struct chat *chat) {
    struct user *user = chat->user;
    free(user->manifest);
    user->manifest = home_read(chat->home, NEXT_MANIFEST, &user->manifest_len);
    if (user->manifest == NULL) {
        fail("the next version of the network is not in the home any more");
    }
    home_write(chat->home, MANIFEST, user->manifest, user->manifest_len);
    chat->over = 1;
}

/* Does what the session asks for until there is nothing more. */
static void act(struct chat *chat) {
    zephyr_action action;
    while (!chat->over) {
        check(zephyr_session_poll(chat->session, now_ms(), &action));
        switch (action.kind) {
        case ZEPHYR_ACTION_NONE:
            return;
        case ZEPHYR_ACTION_CONNECT:
            open_connection(chat, &action);
            break;
        case ZEPHYR_ACTION_CLOSE:
            close_socket(socket_of(chat, action.connection));
            break;
        case ZEPHYR_ACTION_FILL:
            fill(chat, &action);
            break;
        case ZEPHYR_ACTION_FRAGMENT:
            received(chat, &action.fragment);
            break;
        case ZEPHYR_ACTION_EVENT:
            note(chat, &action.event);
            tell(&action.event);
            break;
        case ZEPHYR_ACTION_VERSION:
            keep_version(chat, &action);
            break;
        case ZEPHYR_ACTION_OVER:
            next_version(chat);
            break;
        case ZEPHYR_ACTION_CONTINUE:
            break;
        }
    }
}

/* --- sockets --- */

static short wanted(const struct chat *chat, const struct socket *socket) {
    const uint8_t *data;
    size_t len;
    if (!socket->connected) {
        return POLLOUT;
    }
    check(zephyr_session_to_send(chat->session, socket->connection, &data, &len));
    return (short)(POLLIN | (len > 0 ? POLLOUT : 0));
}

/* 0 if the connection is over. */
static int write_socket(struct chat *chat, struct socket *socket) {
    const uint8_t *data;
    size_t len;
    long sent;
    if (!socket->connected) {
        if (!net_connected(socket->fd)) {
            return 0;
        }
        socket->connected = 1;
        check(zephyr_session_connected(chat->session, socket->connection));
    }
    check(zephyr_session_to_send(chat->session, socket->connection, &data, &len));
    sent = len == 0 ? 0 : net_send(socket->fd, data, len);
    if (sent > 0) {
        check(zephyr_session_sent(chat->session, socket->connection, (size_t)sent));
    }
    return sent >= 0;
}

/* 0 if the connection is over. */
static int read_socket(struct chat *chat, struct socket *socket) {
    uint8_t data[16384];
    size_t from = 0, taken;
    uint32_t connection = socket->connection;
    long came = net_receive(socket->fd, data, sizeof data);
    /* The session may close the connection in the midst of it, and even open another one in its place. */
    while (came > 0 && from < (size_t)came && socket->fd >= 0 && socket->connection == connection) {
        check(zephyr_session_received(chat->session, connection, data + from, (size_t)came - from, &taken));
        from += taken;
        act(chat);
        if (chat->over) {
            break;
        }
    }
    return came >= 0;
}

static void use_socket(struct chat *chat, struct socket *socket, short events) {
    int alive = 1;
    if (events & POLLOUT) {
        alive = write_socket(chat, socket);
    }
    if (alive && (events & (POLLIN | POLLERR | POLLHUP))) {
        alive = read_socket(chat, socket);
    }
    if (!alive) {
        close_socket(socket);
        check(zephyr_session_failed(chat->session, socket->connection, now_ms()));
    }
}

/* --- stdin --- */

static struct contact *add(struct chat *chat, const char *text) {
    char address[ZEPHYR_ADDRESS_MAX + 1];
    struct contact *contact;
    zephyr_status status = zephyr_address_canonical(text, address, sizeof address, NULL);
    if (status == ZEPHYR_OK) {
        if ((contact = contact_find(chat->contacts, address)) != NULL) {
            return contact;
        }
        status = zephyr_session_add_contact(chat->session, address);
    }
    if (status != ZEPHYR_OK) {
        complain("%s", sentence(status));
        return NULL;
    }
    return contact_add(chat->home, &chat->contacts, address);
}

static void obey(struct chat *chat, char *line) {
    struct contact *contact;
    char *text = strchr(line, ' ');
    if (strcmp(line, "quit") == 0) {
        chat->done = 1;
    } else if (line[0] == '+') {
        if ((contact = add(chat, line + 1)) != NULL) {
            printf("added %s\n", contact->address);
        }
    } else if (line[0] != '\0') {
        if (text != NULL) {
            *text++ = '\0';
        }
        if ((contact = add(chat, line)) != NULL) {
            uint64_t id = contact_write(contact, text == NULL ? "" : text, chat->fragment_len);
            contact_save(chat->home, contact);
            printf("queued %llu\n", (unsigned long long)id);
        }
    }
}

static void read_input(struct chat *chat) {
    uint8_t data[4096], *end;
    ssize_t came = read(STDIN_FILENO, data, sizeof data);
    struct bytes *input = &chat->input;
    if (came <= 0) {
        chat->done = 1;
        return;
    }
    put(input, data, (size_t)came);
    while (!chat->done && input->len > 0 && (end = memchr(input->data, '\n', input->len)) != NULL) {
        size_t len = (size_t)(end - input->data) + 1;
        *end = '\0';
        if (len > MAX_MESSAGE) {
            complain("the message is too long: %u bytes are the most", (unsigned)MAX_MESSAGE);
        } else {
            obey(chat, (char *)input->data);
        }
        memmove(input->data, input->data + len, input->len - len);
        input->len -= len;
    }
}

/* --- the loop --- */

static int wait_ms(const struct chat *chat) {
    uint64_t wake_up, now = now_ms();
    check(zephyr_session_wake_up(chat->session, &wake_up));
    if (wake_up <= now) {
        return 0;
    }
    return wake_up - now < LONGEST_WAIT_MS ? (int)(wake_up - now) : LONGEST_WAIT_MS;
}

static void step(struct chat *chat) {
    struct pollfd ready[CONNECTIONS + 1];
    uint32_t connections[CONNECTIONS];
    act(chat);
    if (chat->over) {
        return;
    }
    for (int i = 0; i < CONNECTIONS; i++) {
        const struct socket *socket = &chat->sockets[i];
        /* poll() passes over those that are -1. */
        ready[i] = (struct pollfd){socket->fd, socket->fd < 0 ? 0 : wanted(chat, socket), 0};
        connections[i] = socket->connection;
    }
    ready[CONNECTIONS] = (struct pollfd){STDIN_FILENO, POLLIN, 0};
    if (poll(ready, CONNECTIONS + 1, wait_ms(chat)) <= 0) {
        return;
    }
    for (int i = 0; i < CONNECTIONS && !chat->over; i++) {
        struct socket *socket = &chat->sockets[i];
        /* What happened to another one may have closed this one, or put a new one into its place. */
        if (ready[i].revents != 0 && socket->fd >= 0 && socket->connection == connections[i]) {
            use_socket(chat, socket, ready[i].revents);
        }
    }
    if (ready[CONNECTIONS].revents != 0) {
        read_input(chat);
    }
}

void chat_run(const struct home *home, struct user *user) {
    struct chat chat;
    memset(&chat, 0, sizeof chat);
    chat.home = home;
    chat.user = user;
    chat.contacts = contacts_load(home);
    begin_session(&chat);
    printf("ready\n");
    while (!chat.done) {
        step(&chat);
        if (chat.over) {
            /* The network goes on with another version: the same with its manifest. */
            end_session(&chat);
            chat.over = 0;
            begin_session(&chat);
        }
    }
    end_session(&chat);
    contacts_free(chat.contacts);
    free(chat.input.data);
}
