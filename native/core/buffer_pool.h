#pragma once
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "status.h"

namespace vedette {

struct PoolLimits {
  // Of all buffers together, held and idle.
  size_t bytes = size_t{1} << 30;
  size_t buffers = 4096;
  // What may lie idle for the next who asks; the rest goes back to the system.
  size_t idle_bytes = size_t{64} << 20;
};

struct PoolStatistics {
  size_t held = 0;
  size_t held_bytes = 0;
  size_t idle = 0;
  size_t idle_bytes = 0;
  // Since the process began: given out, of these without new memory, refused.
  int64_t acquired = 0;
  int64_t reused = 0;
  int64_t refused = 0;
};

struct PooledMemory {
  uint8_t* data = nullptr;
  // As asked for; the memory behind it goes to the end of its last page.
  size_t size = 0;
  int64_t token = 0;
};

// Page-aligned buffers whose pages are resident before anybody writes to them, given out and taken
// back by every thread. Nobody but the holder of a token may touch its memory; it holds what its last
// user left.
class BufferPool {
 public:
  explicit BufferPool(const PoolLimits& limits) : limits_(limits) {}
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;
  // Nothing may be held any more.
  ~BufferPool();

  // That of the process.
  static BufferPool& shared();

  // TENSOR_INVALID when `size` is 0 or beyond the limit, OVERLOADED when the rest of the limit does
  // not hold it, IMAGE_TOO_LARGE when the system refuses the memory.
  Status acquire(size_t size, PooledMemory* out);
  // TENSOR_INVALID unless `token` is held and its memory lies at `data`.
  Status check_held(int64_t token, const void* data);
  // TENSOR_INVALID unless `token` is held.
  Status release(int64_t token);
  PoolStatistics statistics();

 private:
  struct Block {
    uint8_t* data;
    size_t bytes;
  };

  // All of these need the lock.
  bool take_idle(size_t bytes, Block* out);
  bool make_room(size_t bytes);
  void unmap_oldest_idle();

  const PoolLimits limits_;
  std::mutex mutex_;
  std::unordered_map<int64_t, Block> held_;
  // The longest idle first.
  std::vector<Block> idle_;
  size_t held_bytes_ = 0;
  size_t idle_bytes_ = 0;
  int64_t last_token_ = 0;
  int64_t acquired_ = 0;
  int64_t reused_ = 0;
  int64_t refused_ = 0;
};

}  // namespace vedette
