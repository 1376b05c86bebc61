#pragma once
#include "pixel_view.h"
#include "upright_rows.h"

namespace vedette {

// An encoded picture; its memory is kept for the next one.
class EncodedJpeg {
 public:
  EncodedJpeg() = default;
  EncodedJpeg(const EncodedJpeg&) = delete;
  EncodedJpeg& operator=(const EncodedJpeg&) = delete;
  ~EncodedJpeg();

  const uint8_t* data() const { return data_; }
  size_t size() const { return size_; }
  void set_size(size_t size) { size_ = size; }
  size_t capacity() const { return capacity_; }
  uint8_t* bytes() { return data_; }
  // Keeps what is there.
  bool grow(size_t capacity);

 private:
  uint8_t* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

// Baseline JPEG with 4:2:0 chroma (grayscale for grey formats), quality 1 to 100.
Status encode_jpeg(const PixelView& image, int quality, UprightRows& rows, EncodedJpeg* out);

}  // namespace vedette
