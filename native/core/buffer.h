#pragma once
#include <cstddef>
#include <cstdlib>
#include <new>
#include <utility>

namespace vedette {

// Grow-only aligned memory that reports failure instead of throwing; contents do not survive growth.
template <typename T>
class Buffer {
 public:
  Buffer() = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Buffer() { std::free(data_); }

  bool reserve(size_t count) {
    if (count <= capacity_) return true;
    size_t bytes;
    if (__builtin_mul_overflow(count, sizeof(T), &bytes) || bytes > kLargest) return false;
    bytes = (bytes + kAlignment - 1) & ~(kAlignment - 1);
    void* fresh = std::aligned_alloc(kAlignment, bytes);
    if (fresh == nullptr) return false;
    std::free(data_);
    data_ = static_cast<T*>(fresh);
    capacity_ = bytes / sizeof(T);
    return true;
  }

  void release() {
    std::free(data_);
    data_ = nullptr;
    capacity_ = 0;
  }

  T* data() { return data_; }
  const T* data() const { return data_; }
  size_t capacity() const { return capacity_; }
  T& operator[](size_t index) { return data_[index]; }
  const T& operator[](size_t index) const { return data_[index]; }

 private:
  static constexpr size_t kAlignment = 64;
  static constexpr size_t kLargest = size_t{1} << 40;
  void swap(Buffer& other) {
    std::swap(data_, other.data_);
    std::swap(capacity_, other.capacity_);
  }
  T* data_ = nullptr;
  size_t capacity_ = 0;
};

// A single huge picture or output must not hold its memory for ever.
template <typename T>
void release_if_huge(Buffer<T>& memory) {
  constexpr size_t kKeptBytes = size_t{64} << 20;
  if (memory.capacity() * sizeof(T) > kKeptBytes) memory.release();
}

}  // namespace vedette
