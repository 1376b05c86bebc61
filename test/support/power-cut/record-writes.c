/*
 * Preloaded into a process (LD_PRELOAD): writes down every change of files below $RECORD_FOLDER, in
 * order, with what was synced, to the file $RECORD_LOG. `lost-writes.ts` makes of it what a power cut
 * would leave. One record is one write(2) to a file opened with O_APPEND:
 *   u8 kind, u32 handle, u64 offset or length, u32 bytes of `a`, u32 bytes of `b`, a, b
 * Little-endian. Kinds: O open (a: path, offset: 1 created, 2 truncated), W write (a: data),
 * T truncate, S fsync, R rename (a to b), L hard link (a, also as b), U unlink (a), M mkdir (a),
 * D rmdir (a), F fsync of a folder (a).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define MAX_FD 65536
static uint32_t handles[MAX_FD];
static char folders[1024][PATH_MAX];
static uint32_t next_handle = 1;
static int log_fd = -1;
static const char *root;
static size_t root_length;
static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void begin(void) {
  const char *log = getenv("RECORD_LOG");
  root = getenv("RECORD_FOLDER");
  if (!log || !root) return;
  root_length = strlen(root);
  log_fd = (int)REAL(open)(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int is_inside(const char *path) {
  return log_fd >= 0 && path && strncmp(path, root, root_length) == 0 &&
         (path[root_length] == '/' || path[root_length] == 0);
}

static void record(char kind, uint32_t handle, uint64_t offset, const void *a, uint32_t a_length,
                   const void *b, uint32_t b_length) {
  size_t total = 21 + (size_t)a_length + b_length;
  char *bytes = malloc(total);
  if (!bytes) abort();
  bytes[0] = kind;
  memcpy(bytes + 1, &handle, 4);
  memcpy(bytes + 5, &offset, 8);
  memcpy(bytes + 13, &a_length, 4);
  memcpy(bytes + 17, &b_length, 4);
  memcpy(bytes + 21, a, a_length);
  if (b_length) memcpy(bytes + 21 + a_length, b, b_length);
  if (REAL(write)(log_fd, bytes, total) != (ssize_t)total) abort();
  free(bytes);
}

static int opened(int fd, const char *path, int flags, int existed) {
  if (fd < 0 || fd >= MAX_FD || !is_inside(path)) return fd;
  struct stat st;
  if (fstat(fd, &st) != 0) return fd;
  if (S_ISDIR(st.st_mode)) {
    handles[fd] = 0;
    if (fd < 1024) snprintf(folders[fd], PATH_MAX, "%s", path);
    return fd;
  }
  if (!S_ISREG(st.st_mode) || (flags & O_ACCMODE) == O_RDONLY) return fd;
  handles[fd] = next_handle++;
  uint64_t how = (existed ? 0 : 1) | ((flags & O_TRUNC) ? 2 : 0);
  record('O', handles[fd], how, path, (uint32_t)strlen(path), NULL, 0);
  return fd;
}

static void wrote(int fd, off_t offset, const void *data, ssize_t count) {
  if (count > 0) record('W', handles[fd], (uint64_t)offset, data, (uint32_t)count, NULL, 0);
}

static int tracked(int fd) { return fd >= 0 && fd < MAX_FD && handles[fd] != 0; }

#define OPEN_BODY(CALL)                                   \
  va_list args;                                           \
  va_start(args, flags);                                  \
  mode_t mode = (flags & O_CREAT) ? va_arg(args, mode_t) : 0; \
  va_end(args);                                           \
  if (!is_inside(path)) return CALL;                      \
  pthread_mutex_lock(&lock);                              \
  int existed = access(path, F_OK) == 0;                  \
  int fd = opened(CALL, path, flags, existed);            \
  pthread_mutex_unlock(&lock);                            \
  return fd;

int open(const char *path, int flags, ...) { OPEN_BODY(REAL(open)(path, flags, mode)) }
int open64(const char *path, int flags, ...) { OPEN_BODY(REAL(open64)(path, flags, mode)) }
int openat(int at, const char *path, int flags, ...) { OPEN_BODY(REAL(openat)(at, path, flags, mode)) }
int openat64(int at, const char *path, int flags, ...) { OPEN_BODY(REAL(openat64)(at, path, flags, mode)) }

int close(int fd) {
  if (fd >= 0 && fd < MAX_FD) handles[fd] = 0;
  if (fd >= 0 && fd < 1024) folders[fd][0] = 0;
  return REAL(close)(fd);
}

ssize_t write(int fd, const void *data, size_t count) {
  if (!tracked(fd)) return REAL(write)(fd, data, count);
  pthread_mutex_lock(&lock);
  int flags = fcntl(fd, F_GETFL);
  off_t at = lseek(fd, 0, (flags & O_APPEND) ? SEEK_END : SEEK_CUR);
  ssize_t done = REAL(write)(fd, data, count);
  wrote(fd, at, data, done);
  pthread_mutex_unlock(&lock);
  return done;
}

#define PWRITE(name, type)                                         \
  ssize_t name(int fd, const void *data, size_t count, type offset) { \
    if (!tracked(fd)) return REAL(name)(fd, data, count, offset);  \
    pthread_mutex_lock(&lock);                                     \
    ssize_t done = REAL(name)(fd, data, count, offset);            \
    wrote(fd, (off_t)offset, data, done);                          \
    pthread_mutex_unlock(&lock);                                   \
    return done;                                                   \
  }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

static void wrote_parts(int fd, off_t offset, const struct iovec *parts, int count, ssize_t done) {
  for (int i = 0; i < count && done > 0; i++) {
    ssize_t part = (ssize_t)parts[i].iov_len < done ? (ssize_t)parts[i].iov_len : done;
    wrote(fd, offset, parts[i].iov_base, part);
    offset += part;
    done -= part;
  }
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  if (!tracked(fd)) return REAL(writev)(fd, parts, count);
  pthread_mutex_lock(&lock);
  off_t at = lseek(fd, 0, SEEK_CUR);
  ssize_t done = REAL(writev)(fd, parts, count);
  wrote_parts(fd, at, parts, count, done);
  pthread_mutex_unlock(&lock);
  return done;
}

#define PWRITEV(name, type)                                                  \
  ssize_t name(int fd, const struct iovec *parts, int count, type offset) {  \
    if (!tracked(fd)) return REAL(name)(fd, parts, count, offset);           \
    pthread_mutex_lock(&lock);                                               \
    ssize_t done = REAL(name)(fd, parts, count, offset);                     \
    wrote_parts(fd, (off_t)offset, parts, count, done);                      \
    pthread_mutex_unlock(&lock);                                             \
    return done;                                                             \
  }
PWRITEV(pwritev, off_t)
PWRITEV(pwritev64, off64_t)

#define TRUNCATE(name, type)                                  \
  int name(int fd, type length) {                             \
    if (!tracked(fd)) return REAL(name)(fd, length);          \
    pthread_mutex_lock(&lock);                                \
    int result = REAL(name)(fd, length);                      \
    if (result == 0) record('T', handles[fd], (uint64_t)length, "", 0, NULL, 0); \
    pthread_mutex_unlock(&lock);                              \
    return result;                                            \
  }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

/* Recorded when it ends: until then nothing was promised. */
#define SYNC(name)                                                              \
  int name(int fd) {                                                            \
    pthread_mutex_lock(&lock);                                                  \
    int result = REAL(name)(fd);                                                \
    if (result == 0 && tracked(fd)) record('S', handles[fd], 0, "", 0, NULL, 0);  \
    else if (result == 0 && fd >= 0 && fd < 1024 && folders[fd][0])             \
      record('F', 0, 0, folders[fd], (uint32_t)strlen(folders[fd]), NULL, 0);   \
    pthread_mutex_unlock(&lock);                                                \
    return result;                                                              \
  }
SYNC(fsync)
SYNC(fdatasync)

int rename(const char *from, const char *to) {
  pthread_mutex_lock(&lock);
  int result = REAL(rename)(from, to);
  if (result == 0 && is_inside(from))
    record('R', 0, 0, from, (uint32_t)strlen(from), to, (uint32_t)strlen(to));
  pthread_mutex_unlock(&lock);
  return result;
}

int link(const char *from, const char *to) {
  pthread_mutex_lock(&lock);
  int result = REAL(link)(from, to);
  if (result == 0 && is_inside(to))
    record('L', 0, 0, from, (uint32_t)strlen(from), to, (uint32_t)strlen(to));
  pthread_mutex_unlock(&lock);
  return result;
}

int rmdir(const char *path) {
  pthread_mutex_lock(&lock);
  int result = REAL(rmdir)(path);
  if (result == 0 && is_inside(path)) record('D', 0, 0, path, (uint32_t)strlen(path), NULL, 0);
  pthread_mutex_unlock(&lock);
  return result;
}

int unlink(const char *path) {
  pthread_mutex_lock(&lock);
  int result = REAL(unlink)(path);
  if (result == 0 && is_inside(path)) record('U', 0, 0, path, (uint32_t)strlen(path), NULL, 0);
  pthread_mutex_unlock(&lock);
  return result;
}

int mkdir(const char *path, mode_t mode) {
  pthread_mutex_lock(&lock);
  int result = REAL(mkdir)(path, mode);
  if (result == 0 && is_inside(path)) record('M', 0, 0, path, (uint32_t)strlen(path), NULL, 0);
  pthread_mutex_unlock(&lock);
  return result;
}
