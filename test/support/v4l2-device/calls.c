// Stands for the kernel's V4L2 in the program that it is preloaded into (LD_PRELOAD): files `video0`, `video1`,
// … of the folder VEDETTE_V4L2_FOLDER are cameras, also through links. All other files are the kernel's.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "camera.h"

enum { MAX_HANDLES = 8, VIDEO4LINUX_MAJOR = 81 };

static struct handle* handles[MAX_HANDLES];
static pthread_mutex_t handles_lock = PTHREAD_MUTEX_INITIALIZER;

#define KERNELS(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/** The mode after `flags`, which stands there only where a file may be made. */
#define READ_MODE(mode, flags)                    \
  mode_t mode = 0;                                \
  if (((flags) & (O_CREAT | __O_TMPFILE)) != 0) { \
    va_list rest;                                 \
    va_start(rest, flags);                        \
    mode = va_arg(rest, mode_t);                  \
    va_end(rest);                                 \
  }

/** The number of the camera at `path`, with its real path; -1 for any other file. */
static int camera_number(const char* path, char real[PATH_MAX]) {
  const char* folder = getenv("VEDETTE_V4L2_FOLDER");
  if (folder == NULL || path == NULL || strncmp(path, "/dev/", 5) != 0) return -1;
  const int before = errno;
  const bool is_there = realpath(path, real) != NULL;
  errno = before;
  const size_t length = strlen(folder);
  int number = -1, used = 0;
  if (!is_there || strncmp(real, folder, length) != 0) return -1;
  return sscanf(real + length, "/video%d%n", &number, &used) == 1 && real[length + used] == '\0'
             ? number
             : -1;
}

static struct handle* handle_of(int fd) {
  struct handle* found = NULL;
  pthread_mutex_lock(&handles_lock);
  for (int i = 0; i < MAX_HANDLES; i += 1) {
    if (handles[i] != NULL && handles[i]->fd == fd) found = handles[i];
  }
  pthread_mutex_unlock(&handles_lock);
  return found;
}

/** Opens the camera at `real`. Returns a descriptor, or -1 with errno. */
static int open_camera(const char* real, int flags) {
  struct handle* handle = calloc(1, sizeof *handle);
  if (handle == NULL) return -1;
  handle->node_fd = KERNELS(open)(real, O_RDWR | O_CLOEXEC);
  if (handle->node_fd < 0) {
    free(handle);
    return -1;
  }
  handle->fd = memfd_create("video", (flags & O_CLOEXEC) != 0 ? MFD_CLOEXEC : 0);
  handle->is_nonblocking = (flags & O_NONBLOCK) != 0;
  snprintf(handle->folder, sizeof handle->folder, "%s", getenv("VEDETTE_V4L2_FOLDER"));
  pthread_mutex_init(&handle->lock, NULL);
  pthread_mutex_lock(&handles_lock);
  int free_place = 0;
  while (free_place < MAX_HANDLES && handles[free_place] != NULL) free_place += 1;
  if (free_place == MAX_HANDLES || handle->fd < 0) abort();
  handles[free_place] = handle;
  pthread_mutex_unlock(&handles_lock);
  return handle->fd;
}

int open(const char* path, int flags, ...) {
  char real[PATH_MAX];
  if (camera_number(path, real) >= 0) return open_camera(real, flags);
  READ_MODE(mode, flags);
  return KERNELS(open)(path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  READ_MODE(mode, flags);
  return open(path, flags | O_LARGEFILE, mode);
}

int __open_2(const char* path, int flags) { return open(path, flags, 0); }
int __open64_2(const char* path, int flags) { return open(path, flags | O_LARGEFILE, 0); }

int openat(int folder, const char* path, int flags, ...) {
  char real[PATH_MAX];
  if (camera_number(path, real) >= 0) return open_camera(real, flags);
  READ_MODE(mode, flags);
  return KERNELS(openat)(folder, path, flags, mode);
}

int openat64(int folder, const char* path, int flags, ...) {
  READ_MODE(mode, flags);
  return openat(folder, path, flags | O_LARGEFILE, mode);
}

/** Of a camera the mapped memory stays until the program unmaps it. */
int close(int fd) {
  struct handle* handle = handle_of(fd);
  if (handle != NULL) {
    pthread_mutex_lock(&handles_lock);
    for (int i = 0; i < MAX_HANDLES; i += 1) {
      if (handles[i] == handle) handles[i] = NULL;
    }
    pthread_mutex_unlock(&handles_lock);
    if (handle->memory != NULL) {
      munmap(handle->memory, (size_t)handle->buffer_count * handle->buffer_bytes);
    }
    KERNELS(close)(handle->node_fd);
    free(handle->jpeg);
    free(handle);
  }
  return KERNELS(close)(fd);
}

int ioctl(int fd, unsigned long request, ...) {
  va_list rest;
  va_start(rest, request);
  void* argument = va_arg(rest, void*);
  va_end(rest);
  struct handle* handle = handle_of(fd);
  // A program may keep the request in an int, whose sign is then extended.
  if (handle != NULL) return camera_ioctl(handle, (uint32_t)request, argument);
  return KERNELS(ioctl)(fd, request, argument);
}

/** A camera is a character device of the kernel's number for them. */
static int as_device(int result, int number, mode_t* mode, dev_t* device) {
  if (result == 0 && number >= 0) {
    *mode = (*mode & ~(mode_t)S_IFMT) | S_IFCHR;
    *device = makedev(VIDEO4LINUX_MAJOR, number);
  }
  return result;
}

int stat(const char* restrict path, struct stat* restrict status) {
  char real[PATH_MAX];
  const int result = KERNELS(stat)(path, status);
  return as_device(result, camera_number(path, real), &status->st_mode, &status->st_rdev);
}

int stat64(const char* restrict path, struct stat64* restrict status) {
  char real[PATH_MAX];
  const int result = KERNELS(stat64)(path, status);
  return as_device(result, camera_number(path, real), &status->st_mode, &status->st_rdev);
}
