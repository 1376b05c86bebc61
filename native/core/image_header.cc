#include "image_header.h"

#include <cstring>

namespace vedette {
namespace {

// Reads that never leave the bytes given: beyond the end they give 0 and `has` says so before.
class Bytes {
 public:
  Bytes(const uint8_t* data, size_t size, bool is_little_endian = false)
      : data_(data), size_(size), is_little_(is_little_endian) {}

  size_t size() const { return size_; }
  bool has(size_t offset, size_t count) const { return offset <= size_ && count <= size_ - offset; }
  bool starts(size_t offset, const char* text, size_t count) const {
    return has(offset, count) && std::memcmp(data_ + offset, text, count) == 0;
  }
  uint32_t u8(size_t at) const { return has(at, 1) ? data_[at] : 0; }
  uint32_t u16(size_t at) const {
    return is_little_ ? u8(at) | u8(at + 1) << 8 : u8(at) << 8 | u8(at + 1);
  }
  uint32_t u32(size_t at) const {
    return is_little_ ? u16(at) | u16(at + 2) << 16 : u16(at) << 16 | u16(at + 2);
  }
  uint32_t u24_little(size_t at) const { return u8(at) | u8(at + 1) << 8 | u8(at + 2) << 16; }
  const uint8_t* at(size_t offset) const { return data_ + offset; }

 private:
  const uint8_t* data_;
  size_t size_;
  bool is_little_;
};

struct TiffTags {
  int64_t width = 0;
  int64_t height = 0;
  int orientation = 1;
  bool is_readable = false;
};

TiffTags read_tiff_tags(const uint8_t* data, size_t size) {
  TiffTags tags;
  if (size < 8) return tags;
  const bool is_little = data[0] == 'I';
  const Bytes bytes(data, size, is_little);
  if (!bytes.starts(0, is_little ? "II*\0" : "MM\0*", 4)) return tags;
  const size_t directory = bytes.u32(4);
  if (!bytes.has(directory, 2)) return tags;
  const size_t entries = bytes.u16(directory);
  tags.is_readable = true;
  for (size_t i = 0; i < entries; i++) {
    const size_t entry = directory + 2 + i * 12;
    if (!bytes.has(entry, 12)) return tags;
    const uint32_t tag = bytes.u16(entry);
    const uint32_t type = bytes.u16(entry + 2);
    const uint32_t value = type == 3 ? bytes.u16(entry + 8) : bytes.u32(entry + 8);
    if (tag == 256) tags.width = value;
    if (tag == 257) tags.height = value;
    if (tag == 274 && value >= 1 && value <= 8) tags.orientation = static_cast<int>(value);
  }
  return tags;
}

Status cut_short(const char* format, size_t size) {
  return fail(Code::image_corrupt, "%s: the header is cut short or damaged, %zu bytes came", format,
              size);
}

bool is_frame_header(uint32_t marker) {
  return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

Status read_jpeg(const Bytes& bytes, ImageHeader* out) {
  size_t at = 2;
  while (bytes.has(at, 4)) {
    if (bytes.u8(at) != 0xff) {
      at++;
      continue;
    }
    const uint32_t marker = bytes.u8(at + 1);
    if (marker == 0xff || marker == 0 || marker == 0x01 || (marker >= 0xd0 && marker <= 0xd8)) {
      at += marker == 0xff ? 1 : 2;
      continue;
    }
    if (marker == 0xd9 || marker == 0xda) break;
    const size_t length = bytes.u16(at + 2);
    if (length < 2 || !bytes.has(at + 2, length)) break;
    if (is_frame_header(marker) && length >= 8) {
      out->height = bytes.u16(at + 5);
      out->width = bytes.u16(at + 7);
      return {};
    }
    if (marker == 0xe1 && length >= 8 && bytes.starts(at + 4, "Exif\0\0", 6)) {
      out->orientation = orientation_from_exif(exif_orientation(bytes.at(at + 10), length - 8));
    }
    at += 2 + length;
  }
  return cut_short("JPEG", bytes.size());
}

Status read_png(const Bytes& bytes, ImageHeader* out) {
  if (!bytes.has(8, 25) || !bytes.starts(12, "IHDR", 4)) return cut_short("PNG", bytes.size());
  out->width = bytes.u32(16);
  out->height = bytes.u32(20);
  for (size_t at = 33; bytes.has(at, 12);) {
    const size_t length = bytes.u32(at);
    if (bytes.starts(at + 4, "IDAT", 4) || bytes.starts(at + 4, "IEND", 4)) break;
    if (!bytes.has(at + 8, length)) break;
    if (bytes.starts(at + 4, "eXIf", 4)) {
      out->orientation = orientation_from_exif(exif_orientation(bytes.at(at + 8), length));
    }
    at += 12 + length;
  }
  return {};
}

Status read_webp(const Bytes& bytes, ImageHeader* out) {
  const Bytes little(bytes.at(0), bytes.size(), true);
  if (little.starts(12, "VP8X", 4) && little.has(20, 10)) {
    out->width = 1 + static_cast<int64_t>(little.u24_little(24));
    out->height = 1 + static_cast<int64_t>(little.u24_little(27));
    for (size_t at = 30; little.has(at, 8);) {
      const size_t length = little.u32(at + 4);
      if (!little.has(at + 8, length)) break;
      if (little.starts(at, "EXIF", 4)) {
        // Some writers keep JPEG's prefix before the TIFF structure.
        const size_t prefix = little.starts(at + 8, "Exif\0\0", 6) && length >= 6 ? 6 : 0;
        out->orientation =
            orientation_from_exif(exif_orientation(little.at(at + 8 + prefix), length - prefix));
      }
      at += 8 + length + (length & 1);
    }
    return {};
  }
  if (little.starts(12, "VP8L", 4) && little.has(20, 5) && little.u8(20) == 0x2f) {
    const uint32_t packed = little.u32(21);
    out->width = 1 + (packed & 0x3fff);
    out->height = 1 + ((packed >> 14) & 0x3fff);
    return {};
  }
  if (little.starts(12, "VP8 ", 4) && little.has(20, 10) && little.starts(23, "\x9d\x01\x2a", 3)) {
    out->width = little.u16(26) & 0x3fff;
    out->height = little.u16(28) & 0x3fff;
    return {};
  }
  return cut_short("WebP", bytes.size());
}

Status read_tiff(const Bytes& bytes, ImageHeader* out) {
  const TiffTags tags = read_tiff_tags(bytes.at(0), bytes.size());
  if (!tags.is_readable) return cut_short("TIFF", bytes.size());
  out->width = tags.width;
  out->height = tags.height;
  out->orientation = orientation_from_exif(tags.orientation);
  return {};
}

}  // namespace

int exif_orientation(const uint8_t* tiff, size_t size) {
  return read_tiff_tags(tiff, size).orientation;
}

Status read_image_header(const uint8_t* data, size_t size, ImageHeader* out) {
  const Bytes bytes(data, size);
  Status status;
  if (size == 0) return fail(Code::image_corrupt, "the picture is empty: 0 bytes came");
  if (bytes.starts(0, "\xff\xd8\xff", 3)) {
    out->format = EncodedFormat::jpeg;
    status = read_jpeg(bytes, out);
  } else if (bytes.starts(0, "\x89PNG\r\n\x1a\n", 8)) {
    out->format = EncodedFormat::png;
    status = read_png(bytes, out);
  } else if (bytes.starts(0, "RIFF", 4) && bytes.starts(8, "WEBP", 4)) {
    out->format = EncodedFormat::webp;
    status = read_webp(bytes, out);
  } else if (bytes.starts(0, "II*\0", 4) || bytes.starts(0, "MM\0*", 4)) {
    out->format = EncodedFormat::tiff;
    status = read_tiff(bytes, out);
  } else {
    return fail(
        Code::image_format_unsupported,
        "JPEG, PNG, WebP or TIFF expected; %zu bytes came that begin with %02x %02x %02x %02x",
        size, bytes.u8(0), bytes.u8(1), bytes.u8(2), bytes.u8(3));
  }
  if (!status.ok()) return status;
  // PNG's own limit; beyond it nothing that is written down about a frame could hold the size.
  constexpr int64_t kLargestSide = (int64_t{1} << 31) - 1;
  if (out->width < 1 || out->height < 1 || out->width > kLargestSide ||
      out->height > kLargestSide) {
    return fail(Code::image_corrupt, "the header gives a size of %lld x %lld pixels",
                static_cast<long long>(out->width), static_cast<long long>(out->height));
  }
  return {};
}

}  // namespace vedette
