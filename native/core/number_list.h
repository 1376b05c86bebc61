#pragma once
#include <cstdint>
#include <cstdlib>

namespace vedette {

// A growing list that reports failure instead of throwing.
class NumberList {
 public:
  // More would end a JavaScript engine that makes an object of each.
  static constexpr size_t kMost = size_t{1} << 24;

  NumberList() = default;
  NumberList(const NumberList&) = delete;
  NumberList& operator=(const NumberList&) = delete;
  ~NumberList() { std::free(data_); }

  bool push(int32_t value) {
    if (size_ == capacity_ && !grow()) return false;
    data_[size_++] = value;
    return true;
  }
  void clear() { size_ = 0; }
  void release() {
    std::free(data_);
    data_ = nullptr;
    size_ = capacity_ = 0;
  }

  bool is_full() const { return size_ == kMost; }
  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }
  const int32_t* data() const { return data_; }
  int32_t& operator[](size_t index) { return data_[index]; }

 private:
  bool grow() {
    if (is_full()) return false;
    const size_t wanted = capacity_ == 0 ? 1024 : capacity_ * 2;
    void* const larger = std::realloc(data_, wanted * sizeof(int32_t));
    if (larger == nullptr) return false;
    data_ = static_cast<int32_t*>(larger);
    capacity_ = wanted;
    return true;
  }

  int32_t* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace vedette
