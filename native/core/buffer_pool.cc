#include "buffer_pool.h"

#include <sys/mman.h>

namespace vedette {
namespace {

constexpr size_t kPage = 4096;

Status not_held(int64_t token) {
  return fail(Code::tensor_invalid, "this memory is not held: it was released before (token %lld)",
              static_cast<long long>(token));
}

}  // namespace

BufferPool& BufferPool::shared() {
  // Never destroyed: worker threads may still use it while the process ends.
  static BufferPool* const instance = new BufferPool(PoolLimits{});
  return *instance;
}

BufferPool::~BufferPool() {
  while (!idle_.empty()) unmap_oldest_idle();
}

bool BufferPool::take_idle(size_t bytes, Block* out) {
  size_t best = idle_.size();
  for (size_t i = 0; i < idle_.size(); i++) {
    const bool fits = idle_[i].bytes >= bytes && idle_[i].bytes - bytes <= bytes / 4;
    if (fits && (best == idle_.size() || idle_[i].bytes < idle_[best].bytes)) best = i;
  }
  if (best == idle_.size()) return false;
  *out = idle_[best];
  idle_.erase(idle_.begin() + static_cast<std::ptrdiff_t>(best));
  idle_bytes_ -= out->bytes;
  return true;
}

void BufferPool::unmap_oldest_idle() {
  const Block block = idle_.front();
  idle_.erase(idle_.begin());
  idle_bytes_ -= block.bytes;
  munmap(block.data, block.bytes);
}

bool BufferPool::make_room(size_t bytes) {
  if (held_.size() >= limits_.buffers || limits_.bytes - held_bytes_ < bytes) return false;
  while (held_.size() + idle_.size() >= limits_.buffers ||
         limits_.bytes - held_bytes_ - idle_bytes_ < bytes) {
    unmap_oldest_idle();
  }
  return true;
}

Status BufferPool::acquire(size_t size, PooledMemory* out) {
  std::unique_lock<std::mutex> lock(mutex_);
  if (size < 1 || size > limits_.bytes) {
    refused_++;
    return fail(Code::tensor_invalid, "a buffer has 1 to %zu bytes, got %zu", limits_.bytes, size);
  }
  Block block = {nullptr, (size + kPage - 1) / kPage * kPage};
  const bool is_idle = take_idle(block.bytes, &block);
  if (!is_idle && !make_room(block.bytes)) {
    refused_++;
    return fail(
        Code::overloaded,
        "%zu buffers of %zu bytes in all are held, at most %zu of %zu are allowed: %zu more "
        "bytes do not fit",
        held_.size(), held_bytes_, limits_.buffers, limits_.bytes, size);
  }
  const int64_t token = ++last_token_;
  held_.emplace(token, block);
  held_bytes_ += block.bytes;
  if (!is_idle) {
    // Touching pages takes long: nobody has to wait for it, since the room is taken already.
    lock.unlock();
    void* const fresh = mmap(nullptr, block.bytes, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    lock.lock();
    if (fresh == MAP_FAILED) {
      held_.erase(token);
      held_bytes_ -= block.bytes;
      refused_++;
      return out_of_memory(block.bytes);
    }
    block.data = static_cast<uint8_t*>(fresh);
    held_[token] = block;
  }
  acquired_++;
  reused_ += is_idle ? 1 : 0;
  *out = {block.data, size, token};
  return {};
}

Status BufferPool::check_held(int64_t token, const void* data) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = held_.find(token);
  if (found == held_.end()) return not_held(token);
  if (found->second.data == data) return {};
  return fail(Code::tensor_invalid, "token %lld is not that of this memory",
              static_cast<long long>(token));
}

Status BufferPool::release(int64_t token) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = held_.find(token);
  if (found == held_.end()) return not_held(token);
  const Block block = found->second;
  held_.erase(found);
  held_bytes_ -= block.bytes;
  idle_.push_back(block);
  idle_bytes_ += block.bytes;
  while (idle_bytes_ > limits_.idle_bytes) unmap_oldest_idle();
  return {};
}

PoolStatistics BufferPool::statistics() {
  const std::lock_guard<std::mutex> lock(mutex_);
  PoolStatistics result;
  result.held = held_.size();
  result.held_bytes = held_bytes_;
  result.idle = idle_.size();
  result.idle_bytes = idle_bytes_;
  result.acquired = acquired_;
  result.reused = reused_;
  result.refused = refused_;
  return result;
}

}  // namespace vedette
