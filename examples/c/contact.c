#include "contact.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The file of a contact is named after it. */
#define PREFIX "contact-"

/* Addresses may have characters that file names can't. */
static char *file_name(const char *address) {
    char *name = allocate(strlen(PREFIX) + 2 * strlen(address) + 1), *end = name;
    memcpy(end, PREFIX, strlen(PREFIX));
    end += strlen(PREFIX);
    for (; *address != '\0'; address++) {
        end += sprintf(end, "%02x", (unsigned)(unsigned char)*address);
    }
    return name;
}

static struct contact *new_contact(const char *address) {
    struct contact *contact = allocate(sizeof *contact);
    memset(contact, 0, sizeof *contact);
    contact->address = copy_text(address);
    return contact;
}

static void free_message(struct message *message) {
    free(message->text);
    free(message);
}

static void free_piece(struct piece *piece) {
    free(piece->body);
    free(piece);
}

static void forget_pieces(struct contact *contact) {
    while (contact->pieces != NULL) {
        struct piece *next = contact->pieces->next;
        free_piece(contact->pieces);
        contact->pieces = next;
    }
}

static void free_contact(struct contact *contact) {
    forget_pieces(contact);
    while (contact->outbox != NULL) {
        struct message *next = contact->outbox->next;
        free_message(contact->outbox);
        contact->outbox = next;
    }
    check(zephyr_conversation_wipe(contact->conversation));
    free(contact->saved.data);
    free(contact->address);
    free(contact);
}

void contacts_free(struct contact *contacts) {
    while (contacts != NULL) {
        struct contact *next = contacts->next;
        free_contact(contacts);
        contacts = next;
    }
}

struct contact *contact_find(struct contact *contacts, const char *address) {
    while (contacts != NULL && strcmp(contacts->address, address) != 0) {
        contacts = contacts->next;
    }
    return contacts;
}

struct contact *contact_add(const struct home *home, struct contact **contacts, const char *address) {
    struct contact *contact = new_contact(address);
    check(zephyr_conversation_init(contact->memory, sizeof contact->memory, now_ms(), &contact->conversation));
    contact_save(home, contact);
    contact->next = *contacts;
    *contacts = contact;
    return contact;
}

/* The conversation, the outbox and the pieces stand in one file, so that they always fit together. */
void contact_save(const struct home *home, struct contact *contact) {
    struct bytes file = {NULL, 0, 0};
    uint8_t saved[ZEPHYR_CONVERSATION_SAVED_LEN];
    uint64_t messages = 0, pieces = 0;
    char *name = file_name(contact->address);
    check(zephyr_conversation_save(contact->conversation, saved, sizeof saved, NULL));
    put_number(&file, strlen(contact->address));
    put(&file, contact->address, strlen(contact->address));
    put(&file, saved, sizeof saved);
    put_number(&file, contact->next_seen);
    for (size_t i = 0; i < SEEN; i++) {
        put_number(&file, contact->seen[i]);
    }
    for (const struct message *m = contact->outbox; m != NULL; m = m->next) {
        messages++;
    }
    put_number(&file, messages);
    for (const struct message *m = contact->outbox; m != NULL; m = m->next) {
        put_number(&file, m->id);
        put_number(&file, m->first);
        put_number(&file, m->fragments);
        put_number(&file, m->len);
        put(&file, m->text, m->len);
    }
    for (const struct piece *p = contact->pieces; p != NULL; p = p->next) {
        pieces++;
    }
    put_number(&file, pieces);
    for (const struct piece *p = contact->pieces; p != NULL; p = p->next) {
        put_number(&file, p->sequence);
        put_number(&file, p->content);
        put_number(&file, p->fragment);
        put_number(&file, p->fragments);
        put_number(&file, p->message);
        put_number(&file, p->len);
        put(&file, p->body, p->len);
    }
    if (file.len != contact->saved.len || memcmp(file.data, contact->saved.data, file.len) != 0) {
        home_write(home, name, file.data, file.len);
    }
    free(contact->saved.data);
    contact->saved = file;
    free(name);
}

static int number32(struct reader *from, uint32_t *number) {
    uint64_t wide;
    int taken = take_number(from, &wide);
    *number = taken ? (uint32_t)wide : 0;
    return taken;
}

static int take_body(struct reader *from, uint8_t **body, size_t *len) {
    uint64_t wide;
    const uint8_t *data;
    if (!take_number(from, &wide) || wide > MAX_MESSAGE || (data = take(from, (size_t)wide)) == NULL) {
        return 0;
    }
    *len = (size_t)wide;
    *body = memcpy(allocate(*len), data, *len);
    return 1;
}

static int load_outbox(struct contact *contact, struct reader *from) {
    struct message **end = &contact->outbox;
    uint64_t count;
    if (!take_number(from, &count)) {
        return 0;
    }
    for (; count > 0; count--, end = &(*end)->next) {
        struct message *m = *end = allocate(sizeof *m);
        memset(m, 0, sizeof *m);
        if (!take_number(from, &m->id) || !number32(from, &m->first) || !number32(from, &m->fragments) ||
            !take_body(from, &m->text, &m->len)) {
            return 0;
        }
    }
    return 1;
}

static int load_pieces(struct contact *contact, struct reader *from) {
    struct piece **end = &contact->pieces;
    uint64_t count;
    if (!take_number(from, &count)) {
        return 0;
    }
    for (; count > 0; count--, end = &(*end)->next) {
        struct piece *p = *end = allocate(sizeof *p);
        memset(p, 0, sizeof *p);
        if (!number32(from, &p->sequence) || !number32(from, &p->content) || !number32(from, &p->fragment) ||
            !number32(from, &p->fragments) || !take_number(from, &p->message) ||
            !take_body(from, &p->body, &p->len)) {
            return 0;
        }
    }
    return 1;
}

static struct contact *load(const uint8_t *file, size_t file_len) {
    struct reader from = {file, file_len};
    char address[ZEPHYR_ADDRESS_MAX + 1];
    const uint8_t *data;
    uint64_t len, next_seen;
    struct contact *contact;
    if (!take_number(&from, &len) || len >= sizeof address || (data = take(&from, (size_t)len)) == NULL) {
        return NULL;
    }
    memcpy(address, data, (size_t)len);
    address[len] = '\0';
    if ((data = take(&from, ZEPHYR_CONVERSATION_SAVED_LEN)) == NULL) {
        return NULL;
    }
    contact = new_contact(address);
    if (zephyr_conversation_load(contact->memory, sizeof contact->memory, data, ZEPHYR_CONVERSATION_SAVED_LEN,
                                 &contact->conversation) != ZEPHYR_OK ||
        !take_number(&from, &next_seen)) {
        return NULL;
    }
    contact->next_seen = (size_t)next_seen % SEEN;
    for (size_t i = 0; i < SEEN; i++) {
        if (!take_number(&from, &contact->seen[i])) {
            return NULL;
        }
    }
    return load_outbox(contact, &from) && load_pieces(contact, &from) ? contact : NULL;
}

struct contact *contacts_load(const struct home *home) {
    struct contact *contacts = NULL;
    struct dirent *entry;
    DIR *folder = home_list(home);
    while ((entry = readdir(folder)) != NULL) {
        size_t len = strlen(entry->d_name), file_len;
        struct contact *contact;
        uint8_t *file;
        if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) != 0 || strcmp(entry->d_name + len - 4, ".new") == 0) {
            continue;
        }
        file = home_read(home, entry->d_name, &file_len);
        if ((contact = load(file, file_len)) == NULL) {
            fail("the file %s is damaged", entry->d_name);
        }
        free(file);
        contact->next = contacts;
        contacts = contact;
    }
    closedir(folder);
    return contacts;
}

uint64_t contact_write(struct contact *contact, const char *text, size_t fragment_len) {
    struct message **end = &contact->outbox, *m = allocate(sizeof *m);
    memset(m, 0, sizeof *m);
    random_bytes(&m->id, sizeof m->id);
    m->len = strlen(text);
    m->text = memcpy(allocate(m->len), text, m->len);
    m->fragments = (uint32_t)(m->len / fragment_len + (m->len % fragment_len != 0));
    if (m->fragments == 0) {
        m->fragments = 1;
    }
    check(zephyr_conversation_push(contact->conversation, (uint16_t)m->fragments, now_ms(), &m->first));
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = m;
    return m->id;
}

int contact_fill(struct contact *contact, const zephyr_action *slot, uint64_t resend_after, size_t fragment_len,
                 zephyr_draft *draft) {
    zephyr_status status =
        zephyr_conversation_fill(contact->conversation, slot->round, slot->slot, resend_after, draft);
    if (status == ZEPHYR_ERROR_SLOT) {
        return 0;
    }
    check(status);
    for (const struct message *m = contact->outbox; m != NULL && draft->sequence != 0; m = m->next) {
        size_t from;
        if (draft->sequence < m->first || draft->sequence - m->first >= m->fragments) {
            continue;
        }
        draft->content = ZEPHYR_CONTENT_TEXT;
        draft->message = m->id;
        draft->fragment = (uint16_t)(draft->sequence - m->first);
        draft->fragments = (uint16_t)m->fragments;
        from = draft->fragment * fragment_len;
        draft->body = m->text + from;
        draft->body_len = m->len - from < fragment_len ? m->len - from : fragment_len;
    }
    return 1;
}

static int was_seen(const struct contact *contact, uint64_t message) {
    for (size_t i = 0; i < SEEN; i++) {
        if (contact->seen[i] == message) {
            return 1;
        }
    }
    return 0;
}

static int has_piece(const struct contact *contact, const zephyr_fragment *fragment) {
    for (const struct piece *p = contact->pieces; p != NULL; p = p->next) {
        if (p->message == fragment->message && p->fragment == fragment->fragment) {
            return 1;
        }
    }
    return 0;
}

static void keep(struct contact *contact, const zephyr_fragment *fragment) {
    struct piece **place = &contact->pieces, *p = allocate(sizeof *p);
    while (*place != NULL && (*place)->sequence < fragment->sequence) {
        place = &(*place)->next;
    }
    *p = (struct piece){fragment->sequence, fragment->content, fragment->fragment, fragment->fragments,
                        fragment->message, fragment->body_len, NULL, *place};
    p->body = memcpy(allocate(p->len), fragment->body, p->len);
    *place = p;
}

/* The last piece of the message that begins the list, if all of it is there. */
static const struct piece *whole(const struct contact *contact) {
    const struct piece *first = contact->pieces, *p = first;
    for (uint32_t i = 0; p != NULL; p = p->next, i++) {
        if (p->sequence != first->sequence + i || p->fragment != i || p->message != first->message ||
            p->fragments != first->fragments) {
            return NULL;
        }
        if (i + 1 == first->fragments) {
            return p;
        }
    }
    return NULL;
}

/* Bytes of others must not reach a terminal as they are. */
static void print_text(const uint8_t *text, size_t len) {
    for (size_t i = 0; i < len; i++) {
        putchar(text[i] < 0x20 || text[i] == 0x7f ? ' ' : text[i]);
    }
}

static void drop_first(struct contact *contact) {
    struct piece *first = contact->pieces;
    contact->pieces = first->next;
    free_piece(first);
}

/* Prints the message that begins the list, and forgets its pieces. */
static void show(struct contact *contact) {
    struct piece *first = contact->pieces;
    uint32_t fragments = first->fragments;
    contact->seen[contact->next_seen] = first->message;
    contact->next_seen = (contact->next_seen + 1) % SEEN;
    printf("%s: ", contact->address);
    for (; fragments > 0; fragments--) {
        print_text(contact->pieces->body, contact->pieces->len);
        drop_first(contact);
    }
    printf("\n");
}

/* Messages whose numbers have all arrived, in their order. */
static void show_whole(struct contact *contact, uint32_t arrived) {
    while (contact->pieces != NULL && contact->pieces->sequence <= arrived) {
        const struct piece *first = contact->pieces;
        if (first->fragment == 0 && first->fragments - 1 > arrived - first->sequence) {
            break;
        }
        if (whole(contact) != NULL) {
            show(contact);
        } else {
            drop_first(contact); /* Of a message that makes no sense, or is too long. */
        }
    }
}

static void forget_delivered(struct contact *contact, uint32_t acknowledged) {
    while (contact->outbox != NULL && contact->outbox->first + (contact->outbox->fragments - 1) <= acknowledged) {
        struct message *m = contact->outbox;
        printf("delivered %llu\n", (unsigned long long)m->id);
        contact->outbox = m->next;
        free_message(m);
    }
}

/* One of the two has lost what it knew: all that is not delivered is sent again, with other numbers. */
static void restart(struct contact *contact, uint32_t stream) {
    uint32_t fragments = 0;
    for (struct message *m = contact->outbox; m != NULL; m = m->next) {
        m->first = fragments + 1;
        fragments += m->fragments;
    }
    check(zephyr_conversation_restart(contact->conversation, stream, fragments));
}

void contact_receive(struct contact *contact, const zephyr_fragment *fragment, size_t fragment_len) {
    zephyr_arrival arrival;
    check(zephyr_conversation_receive(contact->conversation, fragment, &arrival));
    if (arrival.restart != 0) {
        restart(contact, arrival.restart);
    } else {
        forget_delivered(contact, arrival.acknowledged);
    }
    if (arrival.started_over) {
        forget_pieces(contact);
    }
    if (arrival.kind == ZEPHYR_ARRIVAL_NEW && !was_seen(contact, fragment->message) &&
        fragment->fragments <= MAX_MESSAGE / fragment_len) {
        keep(contact, fragment);
    }
    if (arrival.kind == ZEPHYR_ARRIVAL_DUPLICATE && !was_seen(contact, fragment->message) &&
        !has_piece(contact, fragment)) {
        forget_pieces(contact);
        check(zephyr_conversation_forget(contact->conversation));
        return;
    }
    show_whole(contact, arrival.arrived);
}
