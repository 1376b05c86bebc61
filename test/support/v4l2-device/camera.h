// A USB camera as V4L2 shows it (Linux UAPI, videodev2.h), behind the calls of one process.
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <linux/videodev2.h>

enum { MAX_BUFFERS = 32, MAX_RATES = 3 };

/** A size of a format, with its rates from high to low, 0 after the last. */
struct mode {
  uint32_t fourcc, width, height;
  uint32_t rates[MAX_RATES];
};

struct buffer {
  bool is_queued;
  int64_t queued_ns;
};

/** One descriptor of the program; memory that it maps is the file that the descriptor is. */
struct handle {
  int fd;
  /** The node in the file system: a lock on it is the right to stream, and without a link it is unplugged. */
  int node_fd;
  bool is_nonblocking;
  bool is_owner;
  const struct mode* mode;
  uint32_t rate;
  uint32_t buffer_count;
  uint32_t buffer_bytes;
  uint8_t* memory;
  struct buffer buffers[MAX_BUFFERS];
  /** Indices of queued buffers, oldest first. */
  uint32_t queue[MAX_BUFFERS];
  uint32_t queue_length;
  bool is_streaming;
  int64_t began_ns;
  /** Number of the next frame since the beginning. */
  uint32_t next_frame;
  uint8_t* jpeg;
  uint32_t jpeg_bytes;
  char folder[256];
  pthread_mutex_t lock;
};

/** Like ioctl(2) on a capture device: 0, or -1 with errno. Waits where the kernel would. */
int camera_ioctl(struct handle* handle, unsigned long request, void* argument);

/** Sets errno and returns -1. */
int fail(int code);

/** One program may set up and stream, from its first such call until it closes the camera. */
bool may_stream(struct handle* handle);

// The calls of the same names, as in the documentation (modes.c).
void choose_first_mode(struct handle* handle);
void describe_format(const struct mode* mode, struct v4l2_pix_format* format);
int set_format(struct handle* handle, struct v4l2_format* format, bool is_try);
int set_rate(struct handle* handle, struct v4l2_streamparm* parameters, bool is_set);
int enumerate_format(struct v4l2_fmtdesc* asked);
int enumerate_size(struct v4l2_frmsizeenum* asked);
int enumerate_rate(struct v4l2_frmivalenum* asked);
