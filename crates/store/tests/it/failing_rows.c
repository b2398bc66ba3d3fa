/* Loaded by LD_PRELOAD into the store's own tests (failing_rows.rs): fails one write, truncation or sync of the files of the
   rows, and keeps beside each file what the disk would have of it, `<file>.disk`: what was written is there after the next sync
   that went well; what was waiting for a sync that failed is dropped, as a kernel may drop it, however well the next one goes.

   ROWS_CONTROL names a file that says: number of the run, number of the call that fails (0: none), how
   (f: not done, p: done and yet told as failed, s: no space). ROWS_STEPS names the file in which the calls of the run are
   counted. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES = 8, RANGES = 65536 };

struct kept {
    char path[PATH_MAX];
    ino_t inode;
    int ranges, cut;
    struct { off_t from; size_t len; } range[RANGES];
};

static struct kept kept[FILES];
static int files, run_now = -1;
static long steps, failing;
static char how;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int (*real_fsync)(int), (*real_fdatasync)(int), (*real_ftruncate)(int, off_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);

__attribute__((constructor)) static void begin(void) {
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
    real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
}

/* The file's entry when it is one of the rows; its shadow is empty when the file is a new one. */
static struct kept *of(int fd) {
    char link[64], path[PATH_MAX];
    struct stat about;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof path - 1);
    if (len <= 0 || fstat(fd, &about)) return NULL;
    path[len] = 0;
    /* What a power cut left is looked at in another place, where nothing fails. */
    if (strstr(path, "/power-cut")) return NULL;
    const char *name = strrchr(path, '/');
    if (!name || (strcmp(name, "/rows.sqlite") && strcmp(name, "/rows.sqlite-wal"))) return NULL;
    struct kept *file = NULL;
    for (int i = 0; i < files && i < FILES; i++)
        if (!strcmp(kept[i].path, path)) file = &kept[i];
    if (!file) {
        file = &kept[files++ % FILES]; /* those of stores of before are over */
        strcpy(file->path, path);
        file->inode = 0;
    }
    if (file->inode != about.st_ino) {
        char shadow[PATH_MAX + 8];
        snprintf(shadow, sizeof shadow, "%s.disk", path);
        int out = open(shadow, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
        if (out < 0) abort();
        close(out);
        file->inode = about.st_ino;
        file->ranges = file->cut = 0;
    }
    return file;
}

/* Counts a call; whether it is the one that fails. */
static int fails(void) {
    const char *control = getenv("ROWS_CONTROL"), *count = getenv("ROWS_STEPS");
    int run = 0;
    long at = 0;
    char kind = 'f';
    FILE *in = control ? fopen(control, "r") : NULL;
    if (!in) return 0;
    int read = fscanf(in, "%d %ld %c", &run, &at, &kind);
    fclose(in);
    if (read != 3) return 0;
    if (run != run_now) run_now = run, steps = 0;
    failing = at, how = kind, steps++;
    FILE *out = count ? fopen(count, "w") : NULL;
    if (out) fprintf(out, "%ld", steps), fclose(out);
    return steps == failing;
}

/* What waited for a sync is on the disk now, or never. */
static void synced(struct kept *file, int fd, int well) {
    if (well) {
        char shadow[PATH_MAX + 8];
        static char buffer[1 << 20];
        struct stat about;
        snprintf(shadow, sizeof shadow, "%s.disk", file->path);
        int out = open(shadow, O_WRONLY | O_CLOEXEC);
        if (out < 0 || fstat(fd, &about)) abort();
        for (int i = 0; i < file->ranges; i++) {
            if (file->range[i].len > sizeof buffer) abort();
            ssize_t len = pread(fd, buffer, file->range[i].len, file->range[i].from);
            if (len > 0 && real_pwrite(out, buffer, len, file->range[i].from) != len) abort();
        }
        if (file->cut && real_ftruncate(out, about.st_size)) abort();
        close(out);
    }
    file->ranges = file->cut = 0;
}

static int sync_by(int (*real)(int), int fd) {
    pthread_mutex_lock(&lock);
    struct kept *file = of(fd);
    int bad = file && fails(), done = 0;
    if (!bad || how == 'p') done = real(fd);
    if (file) synced(file, fd, !bad || how == 'p');
    pthread_mutex_unlock(&lock);
    if (bad) errno = EIO;
    return bad ? -1 : done;
}

int fsync(int fd) { return sync_by(real_fsync, fd); }
int fdatasync(int fd) { return sync_by(real_fdatasync, fd); }

ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t from) {
    pthread_mutex_lock(&lock);
    struct kept *file = of(fd);
    int bad = file && fails();
    ssize_t done = -1;
    if (!bad || how == 'p') {
        done = real_pwrite(fd, bytes, len, from);
        if (file && done > 0) {
            if (file->ranges == RANGES) abort();
            file->range[file->ranges].from = from;
            file->range[file->ranges++].len = done;
        }
    }
    pthread_mutex_unlock(&lock);
    if (bad) errno = how == 's' ? ENOSPC : EIO;
    return bad ? -1 : done;
}
ssize_t pwrite(int fd, const void *bytes, size_t len, off_t from) { return pwrite64(fd, bytes, len, from); }

int ftruncate64(int fd, off_t len) {
    pthread_mutex_lock(&lock);
    struct kept *file = of(fd);
    int bad = file && fails(), done = 0;
    if (!bad || how == 'p') done = real_ftruncate(fd, len);
    if (file && (!bad || how == 'p')) file->cut = 1;
    pthread_mutex_unlock(&lock);
    if (bad) errno = EIO;
    return bad ? -1 : done;
}
int ftruncate(int fd, off_t len) { return ftruncate64(fd, len); }
