#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include <jpeglib.h>

#include "../core/jpeg_to_tensor.h"
#include "check.h"
#include "exact_memory.h"

using namespace vedette;

namespace {

constexpr int kWidth = 80;
constexpr int kHeight = 48;

using Bytes = std::vector<uint8_t>;
using Levels = std::vector<uint8_t>;

struct Kind {
  bool is_gray = false;
  bool is_progressive = false;
  bool is_arithmetic = false;
  // In blocks of pixels; 0 means no restart markers.
  unsigned restart_interval = 0;
};

// A slope with noise on it.
Bytes write_jpeg(const Kind& kind) {
  jpeg_compress_struct encoder;
  jpeg_error_mgr errors;
  encoder.err = jpeg_std_error(&errors);
  jpeg_create_compress(&encoder);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&encoder, &bytes, &size);
  encoder.image_width = kWidth;
  encoder.image_height = kHeight;
  encoder.input_components = kind.is_gray ? 1 : 3;
  encoder.in_color_space = kind.is_gray ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(&encoder);
  jpeg_set_quality(&encoder, 85, TRUE);
  if (kind.is_progressive) jpeg_simple_progression(&encoder);
  encoder.arith_code = kind.is_arithmetic ? TRUE : FALSE;
  encoder.restart_interval = kind.restart_interval;
  jpeg_start_compress(&encoder, TRUE);
  Bytes row(static_cast<size_t>(kWidth * encoder.input_components));
  unsigned state = 3;
  for (int y = 0; y < kHeight; y++) {
    for (size_t i = 0; i < row.size(); i++) {
      state = state * 1103515245 + 12345;
      row[i] = static_cast<uint8_t>(i / 2 + static_cast<size_t>(y) * 2 + (state >> 20) % 40);
    }
    JSAMPROW pointer = row.data();
    jpeg_write_scanlines(&encoder, &pointer, 1);
  }
  jpeg_finish_compress(&encoder);
  jpeg_destroy_compress(&encoder);
  Bytes result(bytes, bytes + size);
  std::free(bytes);
  return result;
}

// The whole picture as it is stored, as RGB.
Status decode(const Bytes& jpeg, Levels* levels) {
  static Workspace workspace;
  TensorSpec spec;
  spec.width = kWidth;
  spec.height = kHeight;
  spec.layout = Layout::nhwc;
  spec.dtype = Dtype::uint8;
  spec.interpolation = Interpolation::nearest;
  levels->assign(size_t{kWidth} * kHeight * 3, 0);
  Transform transform;
  ExactMemory exact(jpeg.data(), jpeg.size());
  return jpeg_to_tensor(exact.data(), exact.size(), 1 << 20, {}, spec, levels->data(),
                        levels->size(), workspace, &transform);
}

// The place of marker `code` (0xff before it), from `from` on.
size_t find_marker(const Bytes& jpeg, uint8_t code, size_t from = 2) {
  for (size_t i = from; i + 1 < jpeg.size(); i++) {
    if (jpeg[i] == 0xff && jpeg[i + 1] == code) return i;
  }
  check::failed(__FILE__, __LINE__, "the marker is there");
}

void check_refused(const Bytes& jpeg, const char* reason) {
  Levels levels;
  const Status status = decode(jpeg, &levels);
  CHECK(status.code == Code::image_corrupt);
  if (std::strstr(status.text, reason) == nullptr) check::failed(__FILE__, __LINE__, status.text);
}

}  // namespace

TEST("restart markers change no pixel, in baseline and progressive, colour and gray JPEGs") {
  for (int which = 0; which < 4; which++) {
    Kind kind;
    kind.is_gray = which % 2 == 1;
    kind.is_progressive = which >= 2;
    Levels plain, restarted;
    CHECK(decode(write_jpeg(kind), &plain).ok());
    for (const unsigned interval : {1u, 2u, 7u}) {
      kind.restart_interval = interval;
      const Bytes jpeg = write_jpeg(kind);
      (void)find_marker(jpeg, 0xdd);
      (void)find_marker(jpeg, 0xd0);
      CHECK(decode(jpeg, &restarted).ok());
      CHECK(restarted == plain);
    }
  }
}

TEST("a restart interval that is missing, doubled, out of order or damaged makes a JPEG corrupt") {
  Kind kind;
  kind.restart_interval = 2;
  const Bytes whole = write_jpeg(kind);
  const size_t first = find_marker(whole, 0xd0);
  const size_t second = find_marker(whole, 0xd1);
  const auto at = [](Bytes& bytes, size_t place) {
    return bytes.begin() + static_cast<std::ptrdiff_t>(place);
  };

  Bytes missing = whole;
  missing.erase(at(missing, first), at(missing, second));
  check_refused(missing, "rows decoded");
  Bytes unmarked = whole;
  unmarked.erase(at(unmarked, first), at(unmarked, first + 2));
  check_refused(unmarked, "bytes read");
  Bytes doubled = whole;
  doubled.insert(at(doubled, second), at(doubled, first), at(doubled, second));
  check_refused(doubled, "rows decoded");
  Bytes swapped = whole;
  swapped[first + 1] = 0xd5;
  check_refused(swapped, "bytes read");
  // All the interval's data gone: its blocks would be grey.
  Bytes emptied = whole;
  emptied.erase(at(emptied, first + 2), at(emptied, second));
  check_refused(emptied, "bytes read");
}

TEST("a JPEG of 12-bit samples or without loss is refused by name") {
  Bytes deep = write_jpeg({});
  deep[find_marker(deep, 0xc0) + 4] = 12;
  check_refused(deep, "precision 12");
  for (const uint8_t process : {0xc3, 0xc5, 0xc6, 0xc7, 0xcb, 0xcd, 0xce, 0xcf}) {
    Bytes other = write_jpeg({});
    other[find_marker(other, 0xc0) + 1] = process;
    check_refused(other, "Unsupported");
  }
}

#ifdef C_ARITH_CODING_SUPPORTED
TEST("arithmetic coding gives the pixels of Huffman coding, cut short it is corrupt") {
  for (const bool is_progressive : {false, true}) {
    Kind kind;
    kind.is_progressive = is_progressive;
    Levels plain, arithmetic;
    CHECK(decode(write_jpeg(kind), &plain).ok());
    kind.is_arithmetic = true;
    const Bytes jpeg = write_jpeg(kind);
    (void)find_marker(jpeg, is_progressive ? 0xca : 0xc9);
    CHECK(decode(jpeg, &arithmetic).ok());
    CHECK(arithmetic == plain);
    const Bytes cut(jpeg.begin(), jpeg.begin() + static_cast<std::ptrdiff_t>(jpeg.size() / 2));
    check_refused(cut, "bytes read");
  }
}
#endif
