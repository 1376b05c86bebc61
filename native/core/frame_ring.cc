#include "frame_ring.h"

#include <sys/mman.h>

#include <cstring>
#include <new>
#include <unordered_map>

namespace vedette {
namespace {

constexpr size_t kPage = 4096;

struct Registry {
  std::mutex mutex;
  std::unordered_map<int64_t, std::shared_ptr<FrameRing>> rings;
  int64_t last_id = 0;
};

// Never destroyed: worker threads may still use it while the process ends.
Registry& registry() {
  static Registry* const instance = new Registry;
  return *instance;
}

std::atomic<int64_t> last_token{0};

}  // namespace

FrameRing::FrameRing(int64_t id, int slots, size_t slot_bytes, size_t slot_pitch, uint8_t* slab,
                     size_t slab_bytes)
    : id_(id),
      slots_(slots),
      slot_bytes_(slot_bytes),
      slot_pitch_(slot_pitch),
      slab_(slab),
      slab_bytes_(slab_bytes),
      table_(new Slot[static_cast<size_t>(slots)]) {}

FrameRing::~FrameRing() { munmap(slab_, slab_bytes_); }

Status FrameRing::create(int64_t slots, int64_t slot_bytes, std::shared_ptr<FrameRing>* out) {
  if (slots < 1 || slots > kMaxSlots) {
    return fail(Code::frame_invalid, "slots must be 1 to %d, got %lld", kMaxSlots,
                static_cast<long long>(slots));
  }
  if (slot_bytes < 1 || slot_bytes > kMaxSlabBytes) {
    return fail(Code::frame_invalid, "slotBytes must be 1 to %lld, got %lld",
                static_cast<long long>(kMaxSlabBytes), static_cast<long long>(slot_bytes));
  }
  const size_t pitch = (static_cast<size_t>(slot_bytes) + kPage - 1) / kPage * kPage;
  const size_t total = pitch * static_cast<size_t>(slots);
  if (total > static_cast<size_t>(kMaxSlabBytes)) {
    return fail(Code::frame_invalid, "%lld slots of %lld bytes are more than the %lld allowed",
                static_cast<long long>(slots), static_cast<long long>(slot_bytes),
                static_cast<long long>(kMaxSlabBytes));
  }
  void* slab = mmap(nullptr, total, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (slab == MAP_FAILED) return out_of_memory(total);
  Registry& all = registry();
  const std::lock_guard<std::mutex> lock(all.mutex);
  const int64_t id = ++all.last_id;
  out->reset(new FrameRing(id, static_cast<int>(slots), static_cast<size_t>(slot_bytes), pitch,
                           static_cast<uint8_t*>(slab), total));
  all.rings.emplace(id, *out);
  return {};
}

Status FrameRing::find(int64_t id, std::shared_ptr<FrameRing>* out) {
  Registry& all = registry();
  const std::lock_guard<std::mutex> lock(all.mutex);
  const auto found = all.rings.find(id);
  if (found == all.rings.end()) {
    return fail(Code::frame_invalid, "there is no frame ring %lld, or it is closed",
                static_cast<long long>(id));
  }
  *out = found->second;
  return {};
}

int FrameRing::find_unread(bool newest) const {
  int found = -1;
  for (int i = 0; i < slots_; i++) {
    if (table_[i].state != State::unread) continue;
    const bool is_better = found < 0 || (newest ? table_[i].order > table_[found].order
                                                : table_[i].order < table_[found].order);
    if (is_better) found = i;
  }
  return found;
}

int FrameRing::claim(bool may_overwrite, bool* has_overwritten) {
  *has_overwritten = false;
  int slot = -1;
  for (int i = 0; i < slots_ && slot < 0; i++) {
    if (table_[i].state == State::free) slot = i;
  }
  if (slot < 0 && may_overwrite) {
    slot = find_unread(false);
    *has_overwritten = slot >= 0;
    if (slot >= 0) overwritten_++;
  }
  if (slot < 0) return slot;
  table_[slot].state = State::writing;
  table_[slot].order = 0;
  return slot;
}

Status FrameRing::begin_write(bool may_overwrite, int* slot, bool* has_overwritten) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (is_closed_) {
    return fail(Code::frame_invalid, "frame ring %lld is closed", static_cast<long long>(id_));
  }
  *slot = claim(may_overwrite, has_overwritten);
  return {};
}

void FrameRing::wait_write(const std::atomic<bool>& is_cancelled, int* slot) {
  std::unique_lock<std::mutex> lock(mutex_);
  bool has_overwritten;
  *slot = -1;
  while (!is_closed_ && !is_cancelled.load()) {
    *slot = claim(false, &has_overwritten);
    if (*slot >= 0) return;
    has_free_slot_.wait(lock);
  }
}

void FrameRing::wake() {
  const std::lock_guard<std::mutex> lock(mutex_);
  has_free_slot_.notify_all();
}

void FrameRing::set_free(Slot& slot) {
  slot.state = State::free;
  has_free_slot_.notify_one();
}

Status FrameRing::cancel_write(int64_t slot) {
  std::unique_lock<std::mutex> lock(mutex_);
  if (slot < 0 || slot >= slots_ || table_[slot].state != State::writing) {
    return fail(Code::frame_invalid, "slot %lld is not being written",
                static_cast<long long>(slot));
  }
  set_free(table_[slot]);
  retire_if_unused(lock);
  return {};
}

Status FrameRing::publish(int64_t slot, const FrameNote& note) {
  const bool is_raw = note.format >= 0 && note.format < kPixelFormats;
  if (note.byte_length < 1 || static_cast<uint64_t>(note.byte_length) > slot_bytes_) {
    return fail(Code::frame_invalid, "byteLength must be 1 to %zu (the slot), got %lld",
                slot_bytes_, static_cast<long long>(note.byte_length));
  }
  if (is_raw && slot >= 0 && slot < slots_) {
    PixelView view;
    Status status = make_pixel_view(
        slot_data(static_cast<int>(slot)), static_cast<size_t>(note.byte_length), note.width,
        note.height, static_cast<PixelFormat>(note.format), note.strides, note.stride_count, &view);
    if (status.ok()) status = set_meaning(note.meaning, &view);
    if (!status.ok()) return status;
  }
  if (!is_raw && (note.meaning.has_colour || note.meaning.has_levels)) {
    return fail(Code::frame_invalid, "colour and levels are for raw pixels, not encoded pictures");
  }
  std::unique_lock<std::mutex> lock(mutex_);
  if (slot < 0 || slot >= slots_ || table_[slot].state != State::writing) {
    return fail(Code::frame_invalid, "slot %lld is not being written",
                static_cast<long long>(slot));
  }
  Slot& entry = table_[slot];
  if (is_closed_) {
    set_free(entry);
    retire_if_unused(lock);
    return fail(Code::frame_invalid, "frame ring %lld is closed", static_cast<long long>(id_));
  }
  entry.note = note;
  entry.order = ++published_;
  entry.state = State::unread;
  return {};
}

void FrameRing::take(int slot, int64_t owner, FrameHold* hold) {
  hold->slot = slot;
  if (slot < 0) return;
  Slot& entry = table_[slot];
  entry.state = State::held;
  entry.hold_count = 1;
  entry.holds[0] = {++last_token, owner};
  hold->token = entry.holds[0].token;
  hold->note = entry.note;
}

void FrameRing::take_newest(int64_t owner, FrameHold* hold, int* skipped) {
  const std::lock_guard<std::mutex> lock(mutex_);
  *skipped = 0;
  const int newest = find_unread(true);
  take(newest, owner, hold);
  if (newest < 0) return;
  for (int i = 0; i < slots_; i++) {
    if (table_[i].state != State::unread) continue;
    set_free(table_[i]);
    ++*skipped;
  }
  skipped_ += *skipped;
}

void FrameRing::take_oldest(int64_t owner, FrameHold* hold) {
  const std::lock_guard<std::mutex> lock(mutex_);
  take(find_unread(false), owner, hold);
}

void FrameRing::find_after(int64_t order, FrameHold* hold) {
  const std::lock_guard<std::mutex> lock(mutex_);
  hold->slot = -1;
  if (is_closed_) return;
  for (int i = 0; i < slots_; i++) {
    const Slot& slot = table_[i];
    if (slot.order <= order || (hold->slot >= 0 && slot.order > hold->token)) continue;
    hold->slot = i;
    hold->token = slot.order;
    hold->note = slot.note;
  }
}

Status FrameRing::copy(int64_t order, uint8_t* into, size_t capacity, bool* is_there) {
  const std::lock_guard<std::mutex> lock(mutex_);
  *is_there = false;
  for (int i = 0; i < slots_ && order > 0 && !is_closed_; i++) {
    if (table_[i].order != order) continue;
    const auto byte_length = static_cast<size_t>(table_[i].note.byte_length);
    if (byte_length > capacity) {
      return fail(Code::frame_invalid, "a frame of %zu bytes cannot be copied into %zu",
                  byte_length, capacity);
    }
    std::memcpy(into, slot_data(i), byte_length);
    *is_there = true;
    return {};
  }
  return {};
}

Status FrameRing::retain(int64_t slot, int64_t token, int64_t owner, FrameHold* hold) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (slot >= 0 && slot < slots_ && table_[slot].state == State::held) {
    Slot& entry = table_[slot];
    for (int i = 0; i < entry.hold_count; i++) {
      if (entry.holds[i].token != token) continue;
      if (entry.hold_count == kMaxHolds) {
        return fail(Code::frame_invalid, "a frame can be held at most %d times", kMaxHolds);
      }
      entry.holds[entry.hold_count++] = {++last_token, owner};
      hold->slot = static_cast<int>(slot);
      hold->token = entry.holds[entry.hold_count - 1].token;
      hold->note = entry.note;
      return {};
    }
  }
  return fail(
      Code::frame_invalid, "this lease is not valid (any more): ring %lld, slot %lld, token %lld",
      static_cast<long long>(id_), static_cast<long long>(slot), static_cast<long long>(token));
}

void FrameRing::drop_hold(Slot& slot, int index) {
  slot.holds[index] = slot.holds[--slot.hold_count];
  if (slot.hold_count == 0) set_free(slot);
}

Status FrameRing::release(int64_t slot, int64_t token) {
  std::unique_lock<std::mutex> lock(mutex_);
  if (slot >= 0 && slot < slots_ && table_[slot].state == State::held) {
    Slot& entry = table_[slot];
    for (int i = 0; i < entry.hold_count; i++) {
      if (entry.holds[i].token != token) continue;
      drop_hold(entry, i);
      retire_if_unused(lock);
      return {};
    }
  }
  return fail(Code::frame_invalid,
              "this lease is not valid or was released before: ring %lld, slot %lld, token %lld",
              static_cast<long long>(id_), static_cast<long long>(slot),
              static_cast<long long>(token));
}

int FrameRing::reclaim(int64_t owner) {
  std::unique_lock<std::mutex> lock(mutex_);
  int count = 0;
  for (int i = 0; i < slots_; i++) {
    Slot& slot = table_[i];
    for (int h = slot.hold_count - 1; slot.state == State::held && h >= 0; h--) {
      if (slot.holds[h].owner != owner) continue;
      drop_hold(slot, h);
      count++;
    }
  }
  retire_if_unused(lock);
  return count;
}

RingStatistics FrameRing::statistics() {
  const std::lock_guard<std::mutex> lock(mutex_);
  RingStatistics result;
  for (int i = 0; i < slots_; i++) {
    switch (table_[i].state) {
      case State::free: result.free++; break;
      case State::writing: result.writing++; break;
      case State::unread: result.unread++; break;
      case State::held: result.held++; break;
    }
  }
  result.published = published_;
  result.overwritten = overwritten_;
  result.skipped = skipped_;
  return result;
}

bool FrameRing::is_closed() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return is_closed_;
}

void FrameRing::close() {
  std::unique_lock<std::mutex> lock(mutex_);
  if (is_closed_) return;
  is_closed_ = true;
  for (int i = 0; i < slots_; i++) {
    if (table_[i].state == State::unread) set_free(table_[i]);
  }
  has_free_slot_.notify_all();
  retire_if_unused(lock);
}

bool FrameRing::is_retired() const {
  if (!is_closed_) return false;
  for (int i = 0; i < slots_; i++) {
    if (table_[i].state != State::free) return false;
  }
  return true;
}

void FrameRing::retire_if_unused(std::unique_lock<std::mutex>& lock) {
  if (!is_retired()) return;
  madvise(slab_, slab_bytes_, MADV_DONTNEED);
  lock.unlock();
  Registry& all = registry();
  const std::lock_guard<std::mutex> registry_lock(all.mutex);
  // The caller's reference keeps this ring alive until its call returns.
  all.rings.erase(id_);
}

}  // namespace vedette
