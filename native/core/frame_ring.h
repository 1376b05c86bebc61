#pragma once
#include <array>
#include <atomic>
#include <memory>
#include <mutex>

#include "condition.h"
#include "image_header.h"
#include "pixel_view.h"
#include "status.h"

namespace vedette {

// What lies in a slot: the numbers of component/contract/frame.ts, FrameDescription.
struct FrameNote {
  // A PixelFormat, or kPixelFormats + an EncodedFormat.
  int format = 0;
  int64_t width = 0;
  int64_t height = 0;
  int64_t byte_length = 0;
  int stride_count = 0;
  int64_t strides[kMaxPlanes] = {0, 0, 0};
  SampleMeaning meaning;
  int64_t sequence = 0;
  double captured_at_ms = 0;
  // By the steady clock of the system, CLOCK_MONOTONIC.
  double captured_steady_ms = 0;
};

constexpr int kFrameFormats = kPixelFormats + 4;
// Largest whole number that JavaScript holds exactly.
constexpr int64_t kMaxWhole = (int64_t{1} << 53) - 1;

// A reader's hold on a slot.
struct FrameHold {
  int slot = -1;
  int64_t token = 0;
  FrameNote note;
};

struct RingStatistics {
  int free = 0;
  int unread = 0;
  int held = 0;
  int writing = 0;
  int64_t published = 0;
  int64_t overwritten = 0;
  int64_t skipped = 0;
};

// A slab of equal slots shared by the threads of the process. A slot is free, being written, unread,
// or held by readers, and moves only in that order. Every call is short and thread-safe.
class FrameRing {
 public:
  static constexpr int kMaxSlots = 256;
  static constexpr int kMaxHolds = 64;
  static constexpr int64_t kMaxSlabBytes = int64_t{8} << 30;

  // Pages become resident when a slot is first filled and stay so: a camera takes the memory of its
  // frames, not that of the largest frame allowed. FRAME_INVALID for sizes out of range,
  // IMAGE_TOO_LARGE when the system refuses the memory.
  static Status create(int64_t slots, int64_t slot_bytes, std::shared_ptr<FrameRing>* out);
  // FRAME_INVALID when there never was such a ring, or it is closed and nobody holds a slot of it.
  static Status find(int64_t id, std::shared_ptr<FrameRing>* out);

  FrameRing(const FrameRing&) = delete;
  FrameRing& operator=(const FrameRing&) = delete;
  ~FrameRing();

  int64_t id() const { return id_; }
  int slots() const { return slots_; }
  size_t slot_bytes() const { return slot_bytes_; }
  size_t slot_pitch() const { return slot_pitch_; }
  size_t slab_bytes() const { return slab_bytes_; }
  uint8_t* slab() { return slab_; }
  uint8_t* slot_data(int slot) { return slab_ + slot_pitch_ * static_cast<size_t>(slot); }

  // A slot to write: a free one, else (`may_overwrite`) the oldest unread, else *slot = -1.
  // FRAME_INVALID when the ring is closed.
  Status begin_write(bool may_overwrite, int* slot, bool* has_overwritten);
  // The same, waiting for a free slot until `is_cancelled` is set and `wake` was called; then, and
  // when the ring is closed, *slot = -1.
  void wait_write(const std::atomic<bool>& is_cancelled, int* slot);
  void wake();
  Status cancel_write(int64_t slot);
  Status publish(int64_t slot, const FrameNote& note);

  // The newest unread frame; older unread ones are freed and counted. hold->slot = -1 when none.
  void take_newest(int64_t owner, FrameHold* hold, int* skipped);
  void take_oldest(int64_t owner, FrameHold* hold);
  // The oldest frame published after the `order`th, read or unread, that nothing was written over yet;
  // its own order is in hold->token. hold->slot = -1 when there is none. Nobody holds it: see `copy`.
  void find_after(int64_t order, FrameHold* hold);
  // Copies the frame of that order, whole or not at all: false when it is written over, or the ring is
  // closed. Who wants a slot meanwhile waits, for as long as it takes to copy a frame.
  Status copy(int64_t order, uint8_t* into, size_t capacity, bool* is_there);
  // FRAME_INVALID unless `token` is a hold on that slot, not yet released.
  Status retain(int64_t slot, int64_t token, int64_t owner, FrameHold* hold);
  Status release(int64_t slot, int64_t token);
  // Releases every hold of a reader that died; how many there were.
  int reclaim(int64_t owner);

  RingStatistics statistics();
  bool is_closed();
  // Unread frames are freed, nothing can be written any more; holds stay valid until released. Then
  // the pages go back to the system, though the addresses stay readable (zeros) while anyone has them.
  void close();

 private:
  enum class State { free, writing, unread, held };
  struct Hold {
    int64_t token = 0;
    int64_t owner = 0;
  };
  struct Slot {
    State state = State::free;
    // Position in the order of publication, from 1; 0 once its frame is being written over.
    int64_t order = 0;
    FrameNote note;
    int hold_count = 0;
    std::array<Hold, kMaxHolds> holds;
  };

  FrameRing(int64_t id, int slots, size_t slot_bytes, size_t slot_pitch, uint8_t* slab,
            size_t slab_bytes);
  // All of these need the lock.
  int find_unread(bool newest) const;
  int claim(bool may_overwrite, bool* has_overwritten);
  void take(int slot, int64_t owner, FrameHold* hold);
  void set_free(Slot& slot);
  void drop_hold(Slot& slot, int index);
  bool is_retired() const;
  void retire_if_unused(std::unique_lock<std::mutex>& lock);

  const int64_t id_;
  const int slots_;
  const size_t slot_bytes_;
  const size_t slot_pitch_;
  uint8_t* const slab_;
  const size_t slab_bytes_;
  std::mutex mutex_;
  Condition has_free_slot_;
  bool is_closed_ = false;
  int64_t published_ = 0;
  int64_t overwritten_ = 0;
  int64_t skipped_ = 0;
  std::unique_ptr<Slot[]> table_;
};

}  // namespace vedette
