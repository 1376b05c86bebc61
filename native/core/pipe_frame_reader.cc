#include "pipe_frame_reader.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>

#include "y4m_header.h"

namespace vedette {
namespace {

// How far the writer may be ahead: the kernel doubles it, after it cut it to
// /proc/sys/net/core/wmem_max.
constexpr int kSendBufferBytes = 512 * 1024;
constexpr size_t kScratchBytes = 64 * 1024;
// ffmpeg writes pieces of 32 KB. So long they gather: to read each as it comes costs a wake-up each,
// and both sides spin for the lock between them.
constexpr timespec kGatheringTime = {0, 100'000};
constexpr size_t kStackBytes = 256 * 1024;

template <typename Clock>
double now_ms() {
  return std::chrono::duration<double, std::milli>(Clock::now().time_since_epoch()).count();
}

void close_fd(int* fd) {
  if (*fd >= 0) ::close(*fd);
  *fd = -1;
}

}  // namespace

Status PipeFrameReader::open(const Options& options, std::unique_ptr<PipeFrameReader>* out) {
  const FrameNote& note = options.note;
  if (note.byte_length < 1 ||
      static_cast<uint64_t>(note.byte_length) > options.ring->slot_bytes()) {
    return fail(Code::frame_invalid, "a frame of %lld bytes does not fit a slot of %zu bytes",
                static_cast<long long>(note.byte_length), options.ring->slot_bytes());
  }
  if (note.format >= kPixelFormats) {
    return fail(Code::frame_invalid, "only raw pixel formats have frames of a fixed size");
  }
  if (options.is_y4m && note.format != static_cast<int>(PixelFormat::i420)) {
    return fail(Code::frame_invalid, "a YUV4MPEG2 stream is read as i420 only");
  }
  PixelView view;
  Status status = make_pixel_view(options.ring->slot_data(0), static_cast<size_t>(note.byte_length),
                                  note.width, note.height, static_cast<PixelFormat>(note.format),
                                  note.strides, note.stride_count, &view);
  if (status.ok()) status = set_meaning(note.meaning, &view);
  if (!status.ok()) return status;
  std::unique_ptr<PipeFrameReader> reader(new PipeFrameReader(options));
  status = reader->start();
  if (status.ok()) *out = std::move(reader);
  return status;
}

Status PipeFrameReader::start() {
  // Sockets, as a pipe would take, charge and give back every page of 4 KB by itself.
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return fail(Code::internal, "no pipe could be made: %s", std::strerror(errno));
  }
  read_fd_ = ends[0];
  write_fd_ = ends[1];
  // Refused only for a wrong name or size.
  (void)setsockopt(write_fd_, SOL_SOCKET, SO_SNDBUF, &kSendBufferBytes, sizeof kSendBufferBytes);
  const int flags = fcntl(read_fd_, F_GETFL);
  if (flags < 0 || fcntl(read_fd_, F_SETFL, flags | O_NONBLOCK) != 0) {
    return fail(Code::internal, "the pipe could not be set up: %s", std::strerror(errno));
  }
  wake_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_fd_ < 0) return fail(Code::internal, "no eventfd: %s", std::strerror(errno));

  // Signals belong to the threads of Node.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStackBytes);
  const int error = pthread_create(&thread_, &attributes, run, this);
  pthread_attr_destroy(&attributes);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error != 0)
    return fail(Code::internal, "no thread could be started: %s", std::strerror(error));
  has_thread_ = true;
  pthread_setname_np(thread_, "frame-reader");
  return {};
}

PipeFrameReader::~PipeFrameReader() {
  close();
  close_write_end();
  close_fd(&read_fd_);
  close_fd(&wake_fd_);
}

void PipeFrameReader::close_write_end() { close_fd(&write_fd_); }

PipeCounts PipeFrameReader::take_counts() {
  const std::lock_guard<std::mutex> lock(counts_mutex_);
  const PipeCounts taken = counts_;
  counts_.published = counts_.overwritten = counts_.discarded = 0;
  return taken;
}

void PipeFrameReader::close() {
  is_stopping_.store(true);
  options_.ring->wake();
  if (!has_thread_) return;
  const uint64_t one = 1;
  // Fails only when the counter is full, and then the thread is awake anyway.
  (void)!write(wake_fd_, &one, sizeof one);
  pthread_join(thread_, nullptr);
  has_thread_ = false;
  hang_up();
  close_fd(&wake_fd_);
}

void PipeFrameReader::hang_up() {
  if (read_fd_ < 0) return;
  (void)shutdown(read_fd_, SHUT_RD);
  uint8_t scratch[kScratchBytes];
  while (read(read_fd_, scratch, sizeof scratch) > 0) {
  }
  close_fd(&read_fd_);
}

void* PipeFrameReader::run(void* self) {
  static_cast<PipeFrameReader*>(self)->read_frames();
  return nullptr;
}

bool PipeFrameReader::wait_readable() {
  pollfd fds[2] = {{read_fd_, POLLIN, 0}, {wake_fd_, POLLIN, 0}};
  while (!is_stopping_.load()) {
    const int ready = poll(fds, 2, -1);
    if (ready < 0 && errno != EINTR) return true;  // the read will say what is wrong
    if (ready > 0 && fds[0].revents != 0) return !is_stopping_.load();
  }
  return false;
}

size_t PipeFrameReader::read_fully(uint8_t* to, size_t size, int* error) {
  size_t done = 0;
  while (done < size) {
    const ssize_t got = read(read_fd_, to + done, size - done);
    if (got > 0) {
      done += static_cast<size_t>(got);
    } else if (got == 0) {
      return done;
    } else if (errno == EAGAIN) {
      if (!wait_readable()) return done;
      (void)nanosleep(&kGatheringTime, nullptr);
    } else if (errno != EINTR) {
      *error = errno;
      return done;
    }
  }
  return done;
}

size_t PipeFrameReader::discard(size_t size, int* error) {
  uint8_t scratch[kScratchBytes];
  size_t done = 0;
  while (done < size) {
    const size_t wanted = std::min(size - done, sizeof scratch);
    const size_t got = read_fully(scratch, wanted, error);
    done += got;
    if (got < wanted) break;
  }
  return done;
}

int PipeFrameReader::open_slot(bool* has_overwritten) {
  int slot = -1;
  *has_overwritten = false;
  if (options_.may_overwrite) {
    if (!options_.ring->begin_write(true, &slot, has_overwritten).ok()) slot = -1;
  } else {
    options_.ring->wait_write(is_stopping_, &slot);
  }
  return slot;
}

void PipeFrameReader::count(int64_t published, int64_t overwritten, int64_t discarded) {
  {
    const std::lock_guard<std::mutex> lock(counts_mutex_);
    counts_.published += published;
    counts_.overwritten += overwritten;
    counts_.discarded += discarded;
  }
  options_.notify(options_.context);
}

void PipeFrameReader::end(size_t partial_bytes, int error) {
  {
    const std::lock_guard<std::mutex> lock(counts_mutex_);
    counts_.has_ended = true;
    counts_.partial_bytes = static_cast<int64_t>(partial_bytes);
    counts_.error = error;
  }
  options_.notify(options_.context);
}

void PipeFrameReader::refuse(const Status& fault) {
  hang_up();
  {
    const std::lock_guard<std::mutex> lock(counts_mutex_);
    counts_.fault = fault;
  }
  end(0, 0);
}

bool PipeFrameReader::read_stream_header() {
  char line[kMaxY4mHeaderBytes];
  size_t size = 0;
  // Byte by byte, once a stream: what follows the line belongs into a slot.
  for (; size < sizeof line; size++) {
    int error = 0;
    const size_t got = read_fully(reinterpret_cast<uint8_t*>(line) + size, 1, &error);
    if (is_stopping_.load()) return false;
    if (got == 0) {
      end(size, error);
      return false;
    }
    if (line[size] == '\n') break;
  }
  const FrameNote& note = options_.note;
  // A line without an end is none.
  const Status status =
      check_y4m_header(line, size < sizeof line ? size : 0, note.width, note.height);
  if (!status.ok()) refuse(status);
  return status.ok();
}

void PipeFrameReader::read_frames() {
  if (options_.is_y4m && !read_stream_header()) return;
  const size_t frame_bytes = static_cast<size_t>(options_.note.byte_length);
  FrameNote note = options_.note;
  for (;; note.sequence++) {
    if (!wait_readable()) return;
    note.captured_at_ms = now_ms<std::chrono::system_clock>();
    note.captured_steady_ms = now_ms<std::chrono::steady_clock>();
    // The end of the pipe is readable too: find out before a slot is taken for it.
    uint8_t marker[kY4mFrameMarkerBytes];
    const size_t marker_bytes = options_.is_y4m ? sizeof marker : 0;
    const size_t first_bytes = options_.is_y4m ? 0 : 1;
    int error = 0;
    const size_t begun = read_fully(marker, marker_bytes + first_bytes, &error);
    if (is_stopping_.load()) return;
    if (begun < marker_bytes + first_bytes) return end(begun, error);
    if (options_.is_y4m) {
      const Status status = check_y4m_marker(marker);
      if (!status.ok()) return refuse(status);
    }

    bool has_overwritten;
    const int slot = open_slot(&has_overwritten);
    if (is_stopping_.load()) {
      if (slot >= 0) (void)options_.ring->cancel_write(slot);
      return;
    }
    uint8_t* const pixels = slot < 0 ? nullptr : options_.ring->slot_data(slot);
    size_t done = first_bytes;
    if (slot < 0) {
      done += discard(frame_bytes - first_bytes, &error);
    } else {
      if (first_bytes > 0) pixels[0] = marker[0];
      done += read_fully(pixels + first_bytes, frame_bytes - first_bytes, &error);
    }
    if (done < frame_bytes) {
      if (slot >= 0) (void)options_.ring->cancel_write(slot);
      if (has_overwritten) count(0, 1, 0);
      if (!is_stopping_.load()) end(marker_bytes + done, error);
      return;
    }
    const bool is_published = slot >= 0 && options_.ring->publish(slot, note).ok();
    count(is_published ? 1 : 0, has_overwritten ? 1 : 0, is_published ? 0 : 1);
  }
}

}  // namespace vedette
