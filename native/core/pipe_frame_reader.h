#pragma once
#include <pthread.h>

#include <atomic>
#include <memory>
#include <mutex>

#include "frame_ring.h"

namespace vedette {

// Frames counted since the last time anyone looked.
struct PipeCounts {
  int64_t published = 0;
  int64_t overwritten = 0;
  int64_t discarded = 0;
  bool has_ended = false;
  // Bytes of a frame (or line before it) that was not finished when the pipe ended.
  int64_t partial_bytes = 0;
  // errno of a failed read, 0 for a normal end.
  int error = 0;
  // What came and was not what is read, with the pipe closed: the writer gets EPIPE.
  Status fault;
};

// Reads frames of a fixed size from a pipe straight into slots of a ring, on a thread of its own.
// With `may_overwrite` the oldest unread frame gives way, and a frame that finds no slot at all is
// read and thrown away; without, the pipe waits for a slot and so does the program that writes to it.
class PipeFrameReader {
 public:
  struct Options {
    std::shared_ptr<FrameRing> ring;
    // Sequence is that of the first frame; time is set for each.
    FrameNote note;
    bool may_overwrite = false;
    // The frames come in a YUV4MPEG2 stream of I420, whose lines are taken off and checked.
    bool is_y4m = false;
    // Called by the reading thread when counts have changed. Must not block.
    void (*notify)(void* context) = nullptr;
    void* context = nullptr;
  };

  // FRAME_INVALID when the frame does not fit a slot, INTERNAL when the system refuses a pipe or a
  // thread.
  static Status open(const Options& options, std::unique_ptr<PipeFrameReader>* out);
  PipeFrameReader(const PipeFrameReader&) = delete;
  PipeFrameReader& operator=(const PipeFrameReader&) = delete;
  ~PipeFrameReader();

  // For the program that writes the frames; -1 once closed.
  int write_fd() const { return write_fd_; }
  // Our copy of the write end must be closed once the program has its own, else the end never comes.
  void close_write_end();
  // What was counted since the last call.
  PipeCounts take_counts();
  // Ends the thread and waits for it (it never waits for anybody but this). Idempotent.
  void close();

 private:
  explicit PipeFrameReader(const Options& options) : options_(options) {}
  Status start();
  static void* run(void* self);
  void read_frames();
  // Up to the first frame; false when there is none to read.
  bool read_stream_header();
  // Waits for bytes; false when the reader is to stop.
  bool wait_readable();
  // Reads `size` bytes, or up to the end of the pipe; how many came.
  size_t read_fully(uint8_t* to, size_t size, int* error);
  size_t discard(size_t size, int* error);
  int open_slot(bool* has_overwritten);
  void count(int64_t published, int64_t overwritten, int64_t discarded);
  void end(size_t partial_bytes, int error);
  void refuse(const Status& fault);
  // The writer gets EPIPE at once instead of filling a pipe that nobody reads. What lies in it is taken
  // out first: sockets that are closed over it give ECONNRESET. Only for the thread, while it runs.
  void hang_up();

  const Options options_;
  int read_fd_ = -1;
  int write_fd_ = -1;
  int wake_fd_ = -1;
  pthread_t thread_{};
  bool has_thread_ = false;
  std::atomic<bool> is_stopping_{false};
  std::mutex counts_mutex_;
  PipeCounts counts_;
};

}  // namespace vedette
