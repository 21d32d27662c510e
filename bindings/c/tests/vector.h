/* Reads test vectors: lines `name = value` in blocks that empty lines separate, `#` for comments. */
#ifndef VECTOR_H
#define VECTOR_H

#include <dirent.h>

#include "test.h"

#define VECTOR_LINES 64
#define VECTOR_OWNED 64

/* A block of lines, and the bytes that were decoded from it. */
typedef struct {
    const char *file;
    size_t count;
    const char *names[VECTOR_LINES];
    const char *values[VECTOR_LINES];
    size_t owned_count;
    void *owned[VECTOR_OWNED];
} vector;

typedef struct {
    uint8_t *data;
    size_t len;
} vector_bytes;

/* The value of a name, or NULL. */
static inline const char *vector_find(const vector *v, const char *name) {
    size_t i;
    for (i = 0; i < v->count; i++) {
        if (strcmp(v->names[i], name) == 0) {
            return v->values[i];
        }
    }
    return NULL;
}

/* The value of a name that must be there. */
static inline const char *vector_text(const vector *v, const char *name) {
    const char *value = vector_find(v, name);
    if (value == NULL) {
        fprintf(stderr, "%s has no %s\n", v->file, name);
        exit(1);
    }
    return value;
}

static inline int vector_is(const vector *v, const char *name, const char *value) {
    const char *found = vector_find(v, name);
    return found != NULL && strcmp(found, value) == 0;
}

static inline unsigned long vector_number(const vector *v, const char *name) {
    char *end;
    unsigned long number = strtoul(vector_text(v, name), &end, 10);
    CHECK(*end == '\0');
    return number;
}

/* Memory that lives as long as the block. Exactly as long as is said, so that tools notice a byte too many. */
static inline void *vector_own(vector *v, size_t len) {
    void *memory = malloc(len > 0 ? len : 1);
    CHECK(memory != NULL && v->owned_count < VECTOR_OWNED);
    v->owned[v->owned_count++] = memory;
    return memory;
}

static inline unsigned vector_digit(char c) {
    const char *digits = "0123456789abcdef";
    const char *found = strchr(digits, c);
    CHECK(c != '\0' && found != NULL);
    return (unsigned)(found - digits);
}

/* A value in hex. */
static inline vector_bytes vector_hex(vector *v, const char *name) {
    const char *text = vector_text(v, name);
    vector_bytes bytes;
    size_t i;
    CHECK(strlen(text) % 2 == 0);
    bytes.len = strlen(text) / 2;
    bytes.data = (uint8_t *)vector_own(v, bytes.len);
    for (i = 0; i < bytes.len; i++) {
        bytes.data[i] = (uint8_t)(vector_digit(text[2 * i]) * 16 + vector_digit(text[2 * i + 1]));
    }
    return bytes;
}

/* A value in hex of so many bytes. */
static inline uint8_t *vector_array(vector *v, const char *name, size_t len) {
    vector_bytes bytes = vector_hex(v, name);
    CHECK(bytes.len == len);
    return bytes.data;
}

/* A file as text, to be freed. */
static inline char *vector_load(const char *path) {
    FILE *file = fopen(path, "rb");
    char *text;
    long len;
    if (file == NULL) {
        fprintf(stderr, "can't read %s\n", path);
        exit(1);
    }
    CHECK(fseek(file, 0, SEEK_END) == 0 && (len = ftell(file)) >= 0);
    rewind(file);
    text = (char *)malloc((size_t)len + 1);
    CHECK(text != NULL && fread(text, 1, (size_t)len, file) == (size_t)len);
    text[len] = '\0';
    fclose(file);
    return text;
}

static inline size_t vector_done(vector *v, void (*check)(vector *)) {
    size_t had = v->count > 0;
    if (had) {
        check(v);
    }
    while (v->owned_count > 0) {
        free(v->owned[--v->owned_count]);
    }
    v->count = 0;
    return had;
}

/* Checks each block of a file, and tells how many there were. */
static inline size_t vector_each_block(const char *path, void (*check)(vector *)) {
    char *text = vector_load(path), *line = text, *next;
    size_t blocks = 0;
    vector v;
    memset(&v, 0, sizeof v);
    v.file = path;
    for (; line != NULL; line = next) {
        char *equals;
        next = strchr(line, '\n');
        if (next != NULL) {
            *next++ = '\0';
        }
        equals = strstr(line, " =");
        if (*line == '\0') {
            blocks += vector_done(&v, check);
        } else if (*line != '#') {
            CHECK(equals != NULL && v.count < VECTOR_LINES);
            *equals = '\0';
            v.names[v.count] = line;
            v.values[v.count++] = equals[2] == ' ' ? equals + 3 : equals + 2;
        }
    }
    blocks += vector_done(&v, check);
    free(text);
    return blocks;
}

/* Checks each block of each file of a folder of docs/vectors, and tells how many there were. */
static inline size_t vector_each(const char *folder, void (*check)(vector *)) {
    char path[4096];
    struct dirent *entry;
    size_t blocks = 0;
    DIR *files;
    snprintf(path, sizeof path, "%s/%s", ZEPHYR_VECTORS, folder);
    files = opendir(path);
    CHECK(files != NULL);
    while ((entry = readdir(files)) != NULL) {
        if (strstr(entry->d_name, ".txt") == NULL) {
            continue;
        }
        snprintf(path, sizeof path, "%s/%s/%s", ZEPHYR_VECTORS, folder, entry->d_name);
        blocks += vector_each_block(path, check);
    }
    closedir(files);
    return blocks;
}

/* Ends the program unless the block's answer is the expected one. */
#define VECTOR_ANSWERS(v, expected, call)                                                   \
    do {                                                                                    \
        int32_t vector_answer = (call);                                                     \
        if (vector_answer != (expected)) {                                                  \
            fprintf(stderr, "%s: %s\n", (v)->file, #call);                                  \
            ANSWERS(expected, vector_answer);                                               \
        }                                                                                   \
    } while (0)

/* The keys `key_0`, `key_1`, ... one after the other, as zephyr_round_init_from_keys takes them. */
static inline vector_bytes vector_keys(vector *v) {
    vector_bytes keys;
    size_t i;
    keys.data = (uint8_t *)vector_own(v, 8 * ZEPHYR_PKG_KEY_SIZE);
    memset(keys.data, 0, 8 * ZEPHYR_PKG_KEY_SIZE);
    for (i = 0; i < 8; i++) {
        char name[16];
        vector_bytes key;
        snprintf(name, sizeof name, "key_%d", (int)i);
        if (vector_find(v, name) == NULL) {
            break;
        }
        key = vector_hex(v, name);
        CHECK(key.len <= ZEPHYR_PKG_KEY_SIZE);
        memcpy(keys.data + i * ZEPHYR_PKG_KEY_SIZE, key.data, key.len);
    }
    keys.len = i * ZEPHYR_PKG_KEY_SIZE;
    return keys;
}

#endif
