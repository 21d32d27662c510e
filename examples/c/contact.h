/* Somebody to write to: what is under way, what has come, and how it is kept. */
#ifndef CONTACT_H
#define CONTACT_H

#include "home.h"

/* Longer messages are not sent, and not taken in. */
#define MAX_MESSAGE (64 * 1024)
/* So many messages are known again when they come twice. */
#define SEEN 256

/* A message that the contact has not acknowledged to its end. */
struct message {
    uint64_t id;
    uint32_t first;     /* the number of its first fragment */
    uint32_t fragments; /* they have the numbers behind that */
    size_t len;
    uint8_t *text;
    struct message *next;
};

/* A fragment that has come, and whose message is not whole. */
struct piece {
    uint32_t sequence, content, fragment, fragments;
    uint64_t message;
    size_t len;
    uint8_t *body;
    struct piece *next;
};

struct contact {
    char *address;
    uint8_t memory[ZEPHYR_CONVERSATION_SIZE];
    zephyr_conversation *conversation;
    struct message *outbox; /* in the order in which they were written */
    struct piece *pieces;   /* by number */
    uint64_t seen[SEEN];    /* the last messages that were shown, a ring */
    size_t next_seen;
    struct bytes saved; /* what stands in the file */
    struct contact *next;
};

/* All contacts that the home knows. */
struct contact *contacts_load(const struct home *home);
void contacts_free(struct contact *contacts);

/* A new one at the front of the list, written down. */
struct contact *contact_add(const struct home *home, struct contact **contacts, const char *address);
struct contact *contact_find(struct contact *contacts, const char *address);

/* Writes down all that is known of a contact, if that has changed. */
void contact_save(const struct home *home, struct contact *contact);

/* Takes a message into the outbox; its id. */
uint64_t contact_write(struct contact *contact, const char *text, size_t fragment_len);

/* What goes into a slot. 0 if nothing does. */
int contact_fill(struct contact *contact, const zephyr_action *slot, uint64_t resend_after, size_t fragment_len,
                 zephyr_draft *draft);

/* Takes in what came: prints messages that are whole, and which of the user's were delivered. */
void contact_receive(struct contact *contact, const zephyr_fragment *fragment, size_t fragment_len);

#endif
