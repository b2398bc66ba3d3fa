/* Lets a test fail what SQLite asks of the machine, which no seam of ours reaches: loaded before the C library, it stands
 * before the calls that write, cut and sync, and passes all of them on but those that it was told to fail.
 *
 * It also keeps, for each of the two files that it watches, what would be on the disk after a power cut: the bytes as of
 * the last sync that went well. A sync that fails without being done leaves its bytes out for good, as the kernel does,
 * which takes their pages for clean: only who writes them again has them on the disk after the next sync.
 *
 * It is told what to do by what is written, in one write, to a file of the name `failing-calls.control`:
 *
 *   watch DIRECTORY       watch the rows there, and forget everything else
 *   resume DIRECTORY      watch the rows there, of which `NAME.cut` is what is durable: a kill, and the next process
 *   arm FIRST COUNT WAY   calls are counted from here; so many from the FIRST on fail
 *   tell                  write how many were counted, and how many failed, to `failing-calls.told`
 *   cut                   write beside each file, all at one moment between two calls, what a power cut would leave of
 *                         it, to `NAME.cut`, and what a kill would, to `NAME.now`
 *
 * Ways: e - EIO and not done; d - done, and EIO all the same; h - the first half of a write is done, then EIO (a cut is
 * not done, a sync neither); s - ENOSPC and not done. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#define PATH_BYTES 1024

struct range {
    off_t from, until;
};

/* A watched file: what is durable of it, and what was written since. */
struct file {
    const char *name;
    ino_t inode;
    int known;
    char *image;
    size_t len;
    struct range *dirty;
    size_t dirty_len;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char directory[PATH_BYTES];
static struct file files[] = {{.name = "rows.sqlite"}, {.name = "rows.sqlite-wal"}};
#define FILES (sizeof files / sizeof files[0])
static long counted, failed, first, count;
static char way = 'e';

static void *enough(void *memory, size_t bytes) {
    memory = realloc(memory, bytes ? bytes : 1);
    if (!memory) abort();
    return memory;
}

static void read_range(int fd, char *to, off_t from, size_t bytes) {
    while (bytes > 0) {
        ssize_t got = syscall(SYS_pread64, fd, to, bytes, from);
        if (got <= 0) return;
        to += got, from += got, bytes -= (size_t)got;
    }
}

static void write_file(const char *path, const char *from, size_t bytes) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) abort();
    while (bytes > 0) {
        ssize_t done = syscall(SYS_write, fd, from, bytes);
        if (done <= 0) abort();
        from += done, bytes -= (size_t)done;
    }
    close(fd);
}

/* What a kill would leave of the file at `path`, to `to`; nothing there when there is no such file. */
static void write_now(const char *path, const char *to) {
    struct stat now;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &now)) {
        unlink(to);
        return;
    }
    char *bytes = enough(NULL, (size_t)now.st_size);
    read_range(fd, bytes, 0, (size_t)now.st_size);
    close(fd);
    write_file(to, bytes, (size_t)now.st_size);
    free(bytes);
}

static void set_len(struct file *file, size_t len) {
    file->image = enough(file->image, len);
    if (len > file->len) memset(file->image + file->len, 0, len - file->len);
    file->len = len;
}

/* The path of an open file; 0 when it has none. */
static int path_of(int fd, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, PATH_BYTES - 1);
    path[len < 0 ? 0 : len] = 0;
    return len > 0;
}

/* The watched file that this is, with what is durable of it when it is seen first: the whole of it. */
static struct file *watched(int fd) {
    char path[PATH_BYTES];
    size_t dir_len = strlen(directory);
    if (!dir_len || !path_of(fd, path) || strncmp(path, directory, dir_len) || path[dir_len] != '/') return NULL;
    for (size_t n = 0; n < FILES; n++) {
        struct file *file = &files[n];
        struct stat now;
        if (strcmp(path + dir_len + 1, file->name) || fstat(fd, &now)) continue;
        if (!file->known || file->inode != now.st_ino) {
            file->known = 1, file->inode = now.st_ino, file->dirty_len = 0, file->len = 0;
            set_len(file, (size_t)now.st_size);
            read_range(fd, file->image, 0, file->len);
        }
        return file;
    }
    return NULL;
}

static void dirty(struct file *file, off_t from, off_t until) {
    if (from >= until) return;
    file->dirty = enough(file->dirty, (file->dirty_len + 1) * sizeof *file->dirty);
    file->dirty[file->dirty_len++] = (struct range){from, until};
}

static void synced(struct file *file, int fd) {
    struct stat now;
    if (fstat(fd, &now)) abort();
    set_len(file, (size_t)now.st_size);
    for (size_t n = 0; n < file->dirty_len; n++) {
        struct range range = file->dirty[n];
        if (range.until > now.st_size) range.until = now.st_size;
        if (range.from >= range.until) continue;
        memset(file->image + range.from, 0, (size_t)(range.until - range.from));
        read_range(fd, file->image + range.from, range.from, (size_t)(range.until - range.from));
    }
    file->dirty_len = 0;
}

/* Takes for durable of a file what stands in `NAME.cut`, whatever can be read of the file itself. */
static void resume(struct file *file) {
    char path[2 * PATH_BYTES];
    struct stat now, cut;
    file->known = 0;
    snprintf(path, sizeof path, "%s/%s", directory, file->name);
    if (stat(path, &now)) return;
    snprintf(path, sizeof path, "%s/%s.cut", directory, file->name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &cut)) abort();
    file->known = 1, file->inode = now.st_ino, file->dirty_len = 0, file->len = 0;
    set_len(file, (size_t)cut.st_size);
    read_range(fd, file->image, 0, file->len);
    close(fd);
}

static void command(char *text, const char *control) {
    char path[2 * PATH_BYTES];
    if (sscanf(text, "watch %1023s", directory) == 1) {
        for (size_t n = 0; n < FILES; n++) files[n].known = 0;
        counted = failed = first = count = 0;
    } else if (sscanf(text, "resume %1023s", directory) == 1) {
        for (size_t n = 0; n < FILES; n++) resume(&files[n]);
    } else if (sscanf(text, "arm %ld %ld %c", &first, &count, &way) == 3) {
        counted = failed = 0;
    } else if (!strncmp(text, "tell", 4)) {
        char told[64];
        int len = snprintf(told, sizeof told, "%ld %ld", counted, failed);
        snprintf(path, sizeof path, "%.*stold", (int)(strlen(control) - strlen("control")), control);
        write_file(path, told, (size_t)len);
    } else if (!strncmp(text, "cut", 3)) {
        for (size_t n = 0; n < FILES; n++) {
            char plain[2 * PATH_BYTES];
            snprintf(plain, sizeof plain, "%s/%s", directory, files[n].name);
            snprintf(path, sizeof path, "%s/%s.now", directory, files[n].name);
            write_now(plain, path);
            snprintf(path, sizeof path, "%s/%s.cut", directory, files[n].name);
            /* What was not touched since it is watched is durable as it is. */
            if (files[n].known) write_file(path, files[n].image, files[n].len);
            else write_now(plain, path);
        }
    } else {
        abort();
    }
}

/* Whether a write was to the control file; then it is done. */
static int is_command(int fd, const void *from, size_t bytes) {
    static const char name[] = "/failing-calls.control";
    char path[PATH_BYTES], text[2 * PATH_BYTES];
    if (!path_of(fd, path)) return 0;
    size_t len = strlen(path), tail = sizeof name - 1;
    if (len < tail || strcmp(path + len - tail, name)) return 0;
    if (bytes >= sizeof text) abort();
    memcpy(text, from, bytes);
    text[bytes] = 0;
    command(text, path);
    return 1;
}

/* Counts a call; how it is to fail, or 0. */
static char fate(void) {
    long at = counted++;
    if (at < first || at >= first + count) return 0;
    failed++;
    return way;
}

static ssize_t refuse(char fate) {
    errno = fate == 's' ? ENOSPC : EIO;
    return -1;
}

static ssize_t write_to(int fd, const void *from, size_t bytes, off_t at, int placed) {
    pthread_mutex_lock(&lock);
    ssize_t done = (ssize_t)bytes;
    if (placed || !is_command(fd, from, bytes)) {
        struct file *file = watched(fd);
        char how = file ? fate() : 0;
        if (file && !placed) at = lseek(fd, 0, SEEK_CUR);
        size_t part = how == 'h' ? bytes / 2 : bytes;
        if (how == 'e' || how == 's') done = -1;
        else if (placed) done = syscall(SYS_pwrite64, fd, from, part, at);
        else done = syscall(SYS_write, fd, from, part);
        int kept = errno;
        if (file && done > 0) dirty(file, at, at + done);
        errno = kept;
        if (how) done = refuse(how);
    }
    pthread_mutex_unlock(&lock);
    return done;
}

ssize_t write(int fd, const void *from, size_t bytes) { return write_to(fd, from, bytes, 0, 0); }
ssize_t pwrite(int fd, const void *from, size_t bytes, off_t at) { return write_to(fd, from, bytes, at, 1); }
ssize_t pwrite64(int fd, const void *from, size_t bytes, off64_t at) { return write_to(fd, from, bytes, at, 1); }

static int cut_to(int fd, off_t len) {
    pthread_mutex_lock(&lock);
    struct file *file = watched(fd);
    struct stat before;
    char how = file ? fate() : 0;
    int done = 0;
    if (file && fstat(fd, &before)) abort();
    if (!how || how == 'd') done = (int)syscall(SYS_ftruncate, fd, len);
    int kept = errno;
    if (file && !done && (!how || how == 'd')) dirty(file, len, before.st_size);
    errno = kept;
    if (how) done = (int)refuse(how);
    pthread_mutex_unlock(&lock);
    return done;
}

int ftruncate(int fd, off_t len) { return cut_to(fd, len); }
int ftruncate64(int fd, off64_t len) { return cut_to(fd, len); }

static int sync_file(int fd, long number) {
    pthread_mutex_lock(&lock);
    struct file *file = watched(fd);
    char how = file ? fate() : 0;
    int done = 0;
    if (!file) {
        done = (int)syscall(number, fd);
    } else if (!how || how == 'd') {
        /* Nothing is really synced: what lasts is the image, and the disk of a test machine has other things to do. */
        synced(file, fd);
    } else {
        file->dirty_len = 0;
    }
    if (how) done = (int)refuse(how);
    pthread_mutex_unlock(&lock);
    return done;
}

int fsync(int fd) { return sync_file(fd, SYS_fsync); }
int fdatasync(int fd) { return sync_file(fd, SYS_fdatasync); }
