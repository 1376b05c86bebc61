// What a USB camera answers, by the kernel's documentation of V4L2 and, where that leaves a choice, as the driver
// uvcvideo does: the nearest size and rate in place of an error, one program that streams, ENODEV once it is out.
#define _GNU_SOURCE
#include "camera.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const int64_t SECOND_NS = 1000000000;
/** How often a wait looks whether the camera is still there, and what is wrong with it. */
static const int64_t LOOK_NS = 5000000;
static const uint32_t PAGE = 65536;

int fail(int code) {
  errno = code;
  return -1;
}

static int64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * SECOND_NS + now.tv_nsec;
}

/** Whether the camera was taken out since it was opened. */
static bool is_unplugged(const struct handle* handle) {
  struct stat status;
  return fstat(handle->node_fd, &status) != 0 || status.st_nlink == 0;
}

/** What is wrong with every frame at the moment, a word in the file `fault`: `damaged`, `short`, `silent`. */
static bool has_fault(const struct handle* handle, const char* name) {
  char path[300], word[16] = "";
  snprintf(path, sizeof path, "%s/fault", handle->folder);
  FILE* file = fopen(path, "re");
  if (file == NULL) return false;
  const bool is_read = fscanf(file, "%15s", word) == 1;
  fclose(file);
  return is_read && strcmp(word, name) == 0;
}

/** One program may set up and stream, from its first such call until it closes the camera. */
bool may_stream(struct handle* handle) {
  handle->is_owner = handle->is_owner || flock(handle->node_fd, LOCK_EX | LOCK_NB) == 0;
  return handle->is_owner;
}

static int query_capabilities(struct v4l2_capability* capability) {
  *capability = (struct v4l2_capability){
      .driver = "uvcvideo",
      .card = "Vedette test camera",
      .bus_info = "usb-0000:00:14.0-1",
      .version = 6 << 16 | 1 << 8,
      .device_caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_STREAMING | V4L2_CAP_EXT_PIX_FORMAT,
  };
  capability->capabilities = capability->device_caps | V4L2_CAP_DEVICE_CAPS;
  return 0;
}

static int enumerate_input(struct v4l2_input* input) {
  if (input->index != 0) return fail(EINVAL);
  *input = (struct v4l2_input){.name = "Camera 1", .type = V4L2_INPUT_TYPE_CAMERA};
  return 0;
}

static int stop_streaming(struct handle* handle) {
  handle->is_streaming = false;
  handle->queue_length = 0;
  memset(handle->buffers, 0, sizeof handle->buffers);
  return 0;
}

static int request_buffers(struct handle* handle, struct v4l2_requestbuffers* request) {
  if (request->type != V4L2_BUF_TYPE_VIDEO_CAPTURE || request->memory != V4L2_MEMORY_MMAP)
    return fail(EINVAL);
  if (!may_stream(handle) || handle->is_streaming) return fail(EBUSY);
  if (handle->memory != NULL)
    munmap(handle->memory, (size_t)handle->buffer_count * handle->buffer_bytes);
  handle->memory = NULL;
  handle->buffer_count = 0;
  if (request->count == 0) return 0;
  if (request->count < 2) request->count = 2;
  if (request->count > MAX_BUFFERS) request->count = MAX_BUFFERS;
  handle->buffer_bytes = (2 * handle->mode->width * handle->mode->height + PAGE - 1) / PAGE * PAGE;
  const size_t bytes = (size_t)request->count * handle->buffer_bytes;
  if (ftruncate(handle->fd, (off_t)bytes) != 0) return -1;
  void* memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, handle->fd, 0);
  if (memory == MAP_FAILED) return -1;
  handle->memory = memory;
  handle->buffer_count = request->count;
  request->capabilities = V4L2_BUF_CAP_SUPPORTS_MMAP;
  return 0;
}

static int check_buffer(const struct handle* handle, const struct v4l2_buffer* buffer) {
  const bool is_known =
      buffer->type == V4L2_BUF_TYPE_VIDEO_CAPTURE && buffer->index < handle->buffer_count;
  return is_known ? 0 : fail(EINVAL);
}

static void describe_buffer(const struct handle* handle, uint32_t index,
                            struct v4l2_buffer* buffer) {
  *buffer = (struct v4l2_buffer){
      .index = index,
      .type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
      .flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC |
               (handle->buffers[index].is_queued ? V4L2_BUF_FLAG_QUEUED : 0),
      .field = V4L2_FIELD_NONE,
      .memory = V4L2_MEMORY_MMAP,
      .m.offset = index * handle->buffer_bytes,
      .length = 2 * handle->mode->width * handle->mode->height,
  };
}

static int query_buffer(const struct handle* handle, struct v4l2_buffer* buffer) {
  if (check_buffer(handle, buffer) != 0) return -1;
  describe_buffer(handle, buffer->index, buffer);
  return 0;
}

static int queue_buffer(struct handle* handle, struct v4l2_buffer* buffer) {
  const uint32_t index = buffer->index;
  if (check_buffer(handle, buffer) != 0 || buffer->memory != V4L2_MEMORY_MMAP) return fail(EINVAL);
  if (handle->buffers[index].is_queued) return fail(EINVAL);
  handle->buffers[index] = (struct buffer){.is_queued = true, .queued_ns = now_ns()};
  handle->queue[handle->queue_length++] = index;
  describe_buffer(handle, index, buffer);
  return 0;
}

static int read_jpeg(struct handle* handle) {
  char path[300];
  snprintf(path, sizeof path, "%s/%ux%u.jpg", handle->folder, handle->mode->width,
           handle->mode->height);
  FILE* file = fopen(path, "re");
  if (file == NULL) return fail(EIO);
  free(handle->jpeg);
  const size_t most = 2 * (size_t)handle->mode->width * handle->mode->height;
  handle->jpeg = malloc(most);
  handle->jpeg_bytes = handle->jpeg == NULL ? 0 : (uint32_t)fread(handle->jpeg, 1, most, file);
  fclose(file);
  return handle->jpeg_bytes == 0 ? fail(EIO) : 0;
}

static int start_streaming(struct handle* handle) {
  if (handle->buffer_count == 0) return fail(EINVAL);
  if (handle->is_streaming) return 0;
  if (handle->mode->fourcc == V4L2_PIX_FMT_MJPEG && read_jpeg(handle) != 0) return -1;
  handle->is_streaming = true;
  handle->began_ns = now_ns();
  handle->next_frame = 0;
  return 0;
}

/** Luma of frame n: 16 + (x + 2y + 3n) mod 220, chroma 100 and 150; or the picture as it is. Returns its bytes. */
static uint32_t draw(const struct handle* handle, uint32_t frame, uint8_t* to) {
  if (handle->mode->fourcc == V4L2_PIX_FMT_MJPEG) {
    memcpy(to, handle->jpeg, handle->jpeg_bytes);
    return handle->jpeg_bytes;
  }
  const uint32_t width = handle->mode->width, height = handle->mode->height;
  for (uint32_t y = 0; y < height; y += 1) {
    for (uint32_t x = 0; x < width; x += 1) {
      *to++ = (uint8_t)(16 + (x + 2 * y + 3 * frame) % 220);
      *to++ = x % 2 == 0 ? 100 : 150;
    }
  }
  return 2 * width * height;
}

/** When the oldest queued buffer is full: with the next frame after it was queued. Sets `next_frame` to that. */
static int64_t due_ns(struct handle* handle) {
  const int64_t queued_ns = handle->buffers[handle->queue[0]].queued_ns - handle->began_ns;
  const int64_t first = queued_ns <= 0 ? 0 : (queued_ns * handle->rate + SECOND_NS - 1) / SECOND_NS;
  if (handle->next_frame < first) handle->next_frame = (uint32_t)first;
  return handle->began_ns + (handle->next_frame + 1) * SECOND_NS / handle->rate;
}

/** As the kernel restarts the call after a signal whose handler asks for it, a wait is ended by frames alone. */
static int dequeue_buffer(struct handle* handle, struct v4l2_buffer* buffer) {
  if (buffer->type != V4L2_BUF_TYPE_VIDEO_CAPTURE || !handle->is_streaming) return fail(EINVAL);
  int64_t full_ns = 0;
  bool is_gone = false;
  for (;;) {
    if (!handle->is_streaming) return fail(EINVAL);
    const int64_t now = now_ns();
    const bool is_sending = handle->queue_length > 0 && !has_fault(handle, "silent");
    if (is_sending) full_ns = due_ns(handle);
    if (is_sending && full_ns <= now) break;
    is_gone = is_unplugged(handle);
    if (is_gone && handle->queue_length == 0) return fail(ENODEV);
    if (is_gone) break;
    if (handle->is_nonblocking) return fail(EAGAIN);
    const int64_t left_ns = is_sending && full_ns - now < LOOK_NS ? full_ns - now : LOOK_NS;
    pthread_mutex_unlock(&handle->lock);
    nanosleep(&(struct timespec){.tv_nsec = left_ns}, NULL);
    pthread_mutex_lock(&handle->lock);
  }
  const uint32_t index = handle->queue[0];
  handle->queue_length -= 1;
  memmove(handle->queue, handle->queue + 1, handle->queue_length * sizeof handle->queue[0]);
  handle->buffers[index].is_queued = false;
  describe_buffer(handle, index, buffer);
  const uint32_t bytes =
      is_gone ? 0 : draw(handle, handle->next_frame, handle->memory + buffer->m.offset);
  buffer->bytesused = has_fault(handle, "short") ? bytes / 2 : bytes;
  // What waits when the camera is pulled out is given back as damaged.
  if (is_gone || has_fault(handle, "damaged")) buffer->flags |= V4L2_BUF_FLAG_ERROR;
  buffer->sequence = handle->next_frame++;
  buffer->timestamp = (struct timeval){full_ns / SECOND_NS, full_ns % SECOND_NS / 1000};
  return 0;
}

static int answer(struct handle* handle, unsigned long request, void* argument) {
  if (is_unplugged(handle)) return fail(ENODEV);
  switch (request) {
    case VIDIOC_QUERYCAP: return query_capabilities(argument);
    case VIDIOC_ENUMINPUT: return enumerate_input(argument);
    case VIDIOC_G_INPUT: return *(int*)argument = 0;
    case VIDIOC_S_INPUT: return *(int*)argument == 0 ? 0 : fail(EINVAL);
    case VIDIOC_ENUM_FMT: return enumerate_format(argument);
    case VIDIOC_ENUM_FRAMESIZES: return enumerate_size(argument);
    case VIDIOC_ENUM_FRAMEINTERVALS: return enumerate_rate(argument);
    case VIDIOC_G_FMT:
      if (((struct v4l2_format*)argument)->type != V4L2_BUF_TYPE_VIDEO_CAPTURE) return fail(EINVAL);
      return describe_format(handle->mode, &((struct v4l2_format*)argument)->fmt.pix), 0;
    case VIDIOC_TRY_FMT: return set_format(handle, argument, true);
    case VIDIOC_S_FMT: return set_format(handle, argument, false);
    case VIDIOC_G_PARM: return set_rate(handle, argument, false);
    case VIDIOC_S_PARM: return set_rate(handle, argument, true);
    case VIDIOC_REQBUFS: return request_buffers(handle, argument);
    case VIDIOC_QUERYBUF: return query_buffer(handle, argument);
    case VIDIOC_QBUF: return queue_buffer(handle, argument);
    case VIDIOC_DQBUF: return dequeue_buffer(handle, argument);
    case VIDIOC_STREAMON: return start_streaming(handle);
    case VIDIOC_STREAMOFF: return stop_streaming(handle);
    default: return fail(ENOTTY);
  }
}

int camera_ioctl(struct handle* handle, unsigned long request, void* argument) {
  pthread_mutex_lock(&handle->lock);
  if (handle->mode == NULL) choose_first_mode(handle);
  const int result = answer(handle, request, argument);
  pthread_mutex_unlock(&handle->lock);
  return result;
}
