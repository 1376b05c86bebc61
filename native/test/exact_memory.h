#pragma once
#include <cstdint>
#include <cstdlib>
#include <cstring>

// Memory of exactly this size: one byte beyond it is a finding of the address sanitizer.
class ExactMemory {
 public:
  explicit ExactMemory(size_t size)
      : data_(static_cast<uint8_t*>(std::malloc(size))), size_(size) {}
  ExactMemory(const uint8_t* from, size_t size) : ExactMemory(size) {
    if (size > 0) std::memcpy(data_, from, size);
  }
  ExactMemory(const ExactMemory&) = delete;
  ExactMemory& operator=(const ExactMemory&) = delete;
  ~ExactMemory() { std::free(data_); }

  uint8_t* data() { return data_; }
  size_t size() const { return size_; }

 private:
  uint8_t* data_;
  size_t size_;
};
