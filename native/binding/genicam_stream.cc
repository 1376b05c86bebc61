#include "genicam_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>

namespace vedette {
namespace {

constexpr size_t kBufferMemory = size_t{256} << 20;
constexpr size_t kFewestBuffers = 4;
constexpr size_t kMostBuffers = 16;
constexpr size_t kMostPictureBytes = size_t{1} << 30;
// How long an end that is asked for may go unnoticed.
constexpr int kLookMs = 100;
// Longer than libaravis waits for the rest of a picture.
constexpr int kSettleMs = 300;
constexpr int kResendNever = 0;  // ArvGvStreamPacketResend
constexpr int kResendAlways = 1;

std::atomic<bool> is_stopped{false};
std::atomic<bool> is_lost{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler sets it");

void on_signal(int) { is_stopped = true; }

// GLib calls it with (device, data), on the thread that keeps the control.
void on_control_lost() { is_lost = true; }

Status take_signals() {
  struct sigaction action = {};
  action.sa_handler = on_signal;
  for (const int number : {SIGTERM, SIGINT}) {
    if (sigaction(number, &action, nullptr) != 0) {
      return fail(Code::internal, "sigaction: %s", strerror(errno));
    }
  }
  return {};
}

// Whole pixels of one, two or three bytes: bits 16 to 23 of a name's number are the bits of a pixel.
size_t pixel_bytes(uint32_t format) { return ((format >> 16) & 0xff) / 8; }

enum class Written { all, closed, given_up, failed };

// Never waits longer than `kLookMs` without looking whether the end has come.
Written write_all(int descriptor, const uint8_t* data, size_t bytes) {
  while (bytes > 0) {
    if (is_stopped || is_lost) return Written::given_up;
    const ssize_t count = write(descriptor, data, bytes);
    if (count >= 0) {
      data += count;
      bytes -= static_cast<size_t>(count);
    } else if (errno == EAGAIN) {
      pollfd waiting = {descriptor, POLLOUT, 0};
      poll(&waiting, 1, kLookMs);
    } else if (errno == EPIPE) {
      return Written::closed;
    } else if (errno != EINTR) {
      return Written::failed;
    }
  }
  return Written::all;
}

class Stream {
 public:
  Stream(GenicamCamera* camera, const GenicamSettings& settings, GenicamSize size,
         GenicamListener* listener)
      : camera_(camera), settings_(settings), size_(size), listener_(listener) {}
  ~Stream() {
    if (stream_ != nullptr) camera_->library().object_unref(stream_);
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  Status start();
  Status copy_to(int descriptor);
  Status stop();
  void abandon() { stream_ = nullptr; }

 private:
  bool is_triggered() const { return !settings_.trigger_source.empty(); }
  void settle();
  uint64_t overruns() const;
  Status check(ArvBuffer* buffer, const uint8_t** data) const;
  void tell_losses(int arrived);
  size_t picture_bytes() const {
    return static_cast<size_t>(size_.width) * static_cast<size_t>(size_.height) *
           pixel_bytes(settings_.pixel_format);
  }

  GenicamCamera* camera_;
  const GenicamSettings& settings_;
  GenicamSize size_;
  GenicamListener* listener_;
  ArvStream* stream_ = nullptr;
  uint64_t overruns_ = 0;
  bool has_picture_ = false;
};

Status Stream::start() {
  const Aravis& aravis = camera_->library();
  ArvCamera* const camera = camera_->handle();
  GlibError* error = nullptr;
  const size_t payload = aravis.camera_get_payload(camera, &error);
  if (error != nullptr) return camera_->failed("the size of its pictures cannot be read", error);
  if (payload < picture_bytes() || payload > kMostPictureBytes) {
    return fail(Code::camera_source_failed, "pictures of %dx%d should take %zu bytes, it says %zu",
                size_.width, size_.height, picture_bytes(), payload);
  }
  stream_ = aravis.camera_create_stream(camera, nullptr, nullptr, &error);
  if (error != nullptr) return camera_->failed("its stream cannot be opened", error);
  if (aravis.camera_is_gv_device(camera) != 0) {
    aravis.object_set(stream_, "packet-resend",
                      settings_.resends_packets ? kResendAlways : kResendNever,
                      static_cast<const char*>(nullptr));
  }
  aravis.signal_connect_data(aravis.camera_get_device(camera), "control-lost", on_control_lost,
                             nullptr, nullptr, 0);
  const size_t buffers = std::min(
      kMostBuffers, std::max(kFewestBuffers, kBufferMemory / std::max<size_t>(1, payload)));
  for (size_t index = 0; index < buffers; index += 1) {
    aravis.stream_push_buffer(stream_, aravis.buffer_new_allocate(payload));
  }
  if (is_triggered()) settle();
  aravis.camera_start_acquisition(camera, &error);
  return camera_->failed("it does not start", error);
}

Status Stream::check(ArvBuffer* buffer, const uint8_t** data) const {
  const Aravis& aravis = camera_->library();
  int width = 0, height = 0;
  aravis.buffer_get_image_region(buffer, nullptr, nullptr, &width, &height);
  const uint32_t format = aravis.buffer_get_image_pixel_format(buffer);
  if (width != size_.width || height != size_.height || format != settings_.pixel_format) {
    return fail(Code::camera_source_failed,
                "its picture changed from %dx%d to %dx%d, its pixels from 0x%08x to 0x%08x",
                size_.width, size_.height, width, height, settings_.pixel_format, format);
  }
  size_t bytes = 0;
  *data = static_cast<const uint8_t*>(aravis.buffer_get_data(buffer, &bytes));
  if (*data != nullptr && bytes >= picture_bytes()) return {};
  return fail(Code::camera_source_failed, "a picture of %zu bytes was expected, %zu came",
              picture_bytes(), bytes);
}

uint64_t Stream::overruns() const {
  uint64_t completed = 0, failed = 0, overruns = 0;
  camera_->library().stream_get_statistics(stream_, &completed, &failed, &overruns);
  return overruns;
}

// As root libaravis has a packet socket, which takes all that comes to the machine until its filter is
// set: that looks like pieces of pictures, before the camera has sent any.
void Stream::settle() {
  const Aravis& aravis = camera_->library();
  timespec began = {}, now = {};
  clock_gettime(CLOCK_MONOTONIC, &began);
  int64_t left_us = kSettleMs * int64_t{1000};
  while (left_us > 0 && !is_stopped && !is_lost) {
    const int64_t wait_us = std::min<int64_t>(left_us, kLookMs * 1000);
    ArvBuffer* const buffer =
        aravis.stream_timeout_pop_buffer(stream_, static_cast<uint64_t>(wait_us));
    if (buffer != nullptr) aravis.stream_push_buffer(stream_, buffer);
    clock_gettime(CLOCK_MONOTONIC, &now);
    left_us = kSettleMs * int64_t{1000} - (now.tv_sec - began.tv_sec) * int64_t{1000000} -
              (now.tv_nsec - began.tv_nsec) / 1000;
  }
  overruns_ = overruns();
}

// Before its first picture a camera that runs freely has lost none that anybody misses; see `settle`.
void Stream::tell_losses(int arrived) {
  const uint64_t overruns_now = overruns();
  if (has_picture_ || is_triggered()) {
    if (overruns_now > overruns_) listener_->on_overrun(overruns_now - overruns_);
    if (arrived != kArvBufferSuccess && arrived != kArvBufferCleared &&
        arrived != kArvBufferAborted) {
      listener_->on_incomplete(arrived);
    }
  }
  overruns_ = overruns_now;
}

Status Stream::copy_to(int descriptor) {
  const Aravis& aravis = camera_->library();
  while (!is_stopped && !is_lost) {
    ArvBuffer* const buffer = aravis.stream_timeout_pop_buffer(stream_, kLookMs * 1000);
    const int arrived = buffer == nullptr ? kArvBufferCleared : aravis.buffer_get_status(buffer);
    tell_losses(arrived);
    if (buffer == nullptr) continue;
    Status status;
    Written written = Written::all;
    if (arrived == kArvBufferSuccess) {
      has_picture_ = true;
      const uint8_t* data = nullptr;
      status = check(buffer, &data);
      if (status.ok()) written = write_all(descriptor, data, picture_bytes());
      if (written == Written::failed) {
        status = fail(Code::camera_source_failed, "write: %s", strerror(errno));
      }
    }
    aravis.stream_push_buffer(stream_, buffer);
    if (!status.ok()) return status;
    if (written == Written::closed) return {};
  }
  if (!is_lost || is_stopped) return {};
  return fail(Code::camera_source_failed,
              "it is not under control any more: unplugged, without power, or taken by another "
              "program");
}

Status Stream::stop() {
  GlibError* error = nullptr;
  camera_->library().camera_stop_acquisition(camera_->handle(), &error);
  return camera_->failed("it cannot be stopped", error);
}

}  // namespace

Status run_genicam(const GenicamSettings& settings, int descriptor, GenicamListener* listener,
                   GenicamSize* size) {
  Status status = take_signals();
  if (!status.ok()) return status;
  GenicamCamera camera;
  GenicamSize is;
  status = camera.open(settings, &is);
  if (!status.ok() || is_stopped) return status;
  const GenicamSize wanted = *size;
  *size = is;
  if (descriptor < 0) return {};
  if (wanted.width != is.width || wanted.height != is.height) {
    return fail(Code::camera_source_failed, "its picture changed from %dx%d to %dx%d", wanted.width,
                wanted.height, is.width, is.height);
  }
  const int flags = fcntl(descriptor, F_GETFL);
  if (flags < 0 || fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) != 0) {
    return fail(Code::internal, "the pipe of frames: %s", strerror(errno));
  }
  Stream stream(&camera, settings, is, listener);
  status = stream.start();
  if (!status.ok()) return status;
  listener->on_open();
  status = stream.copy_to(descriptor);
  if (is_lost) {
    // It does not answer: each farewell would wait for its time-out.
    stream.abandon();
    camera.abandon();
    return status;
  }
  const Status stopped = stream.stop();
  return status.ok() ? stopped : status;
}

}  // namespace vedette
