#include "home.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void home_open(struct home *home, const char *path) {
    home->path = copy_text(path);
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        fail("the folder %s can't be made: %s", path, strerror(errno));
    }
}

void home_close(struct home *home) {
    free(home->path);
}

static char *path_of(const struct home *home, const char *name, const char *ending) {
    size_t len = strlen(home->path) + strlen(name) + strlen(ending) + 2;
    char *path = allocate(len);
    snprintf(path, len, "%s/%s%s", home->path, name, ending);
    return path;
}

uint8_t *home_read(const struct home *home, const char *name, size_t *len) {
    char *path = path_of(home, name, "");
    struct bytes contents = {NULL, 0, 0};
    uint8_t part[4096];
    ssize_t got;
    int file = open(path, O_RDONLY);
    if (file < 0 && errno != ENOENT) {
        fail("%s can't be read: %s", path, strerror(errno));
    }
    while (file >= 0 && (got = read(file, part, sizeof part)) != 0) {
        if (got < 0) {
            fail("%s can't be read: %s", path, strerror(errno));
        }
        put(&contents, part, (size_t)got);
    }
    if (file >= 0) {
        close(file);
    }
    free(path);
    *len = contents.len;
    return contents.data;
}

void home_write(const struct home *home, const char *name, const void *data, size_t len) {
    char *path = path_of(home, name, ""), *next = path_of(home, name, ".new");
    const uint8_t *rest = data;
    int file = open(next, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    int done = file >= 0;
    while (done && len > 0) {
        ssize_t written = write(file, rest, len);
        done = written > 0;
        if (done) {
            rest += written;
            len -= (size_t)written;
        }
    }
    /* On the disk before it takes the old file's place. */
    done = done && fsync(file) == 0;
    if (file >= 0) {
        done = close(file) == 0 && done;
    }
    if (!done || rename(next, path) != 0) {
        fail("%s can't be written: %s", path, strerror(errno));
    }
    free(path);
    free(next);
}

DIR *home_list(const struct home *home) {
    DIR *folder = opendir(home->path);
    if (folder == NULL) {
        fail("the folder %s can't be read: %s", home->path, strerror(errno));
    }
    return folder;
}
