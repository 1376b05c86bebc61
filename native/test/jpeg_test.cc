#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include <jpeglib.h>

#include "../core/colour.h"
#include "../core/image_header.h"
#include "../core/jpeg_encoder.h"
#include "../core/jpeg_to_tensor.h"
#include "check.h"
#include "exact_memory.h"
#include "jpeg_samples.h"

using namespace vedette;
using jpeg_samples::decode_whole;
using jpeg_samples::write_subsampled;

namespace {

// A flat CMYK picture as libjpeg writes it: `space` JCS_CMYK or JCS_YCCK, with or without the marker
// of Adobe, whose files hold 255 - ink.
std::vector<uint8_t> write_cmyk(const uint8_t stored[4], J_COLOR_SPACE space,
                                bool has_adobe_marker) {
  jpeg_compress_struct encoder;
  jpeg_error_mgr errors;
  encoder.err = jpeg_std_error(&errors);
  jpeg_create_compress(&encoder);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&encoder, &bytes, &size);
  encoder.image_width = encoder.image_height = 16;
  encoder.input_components = 4;
  encoder.in_color_space = JCS_CMYK;
  jpeg_set_defaults(&encoder);
  jpeg_set_colorspace(&encoder, space);
  encoder.write_Adobe_marker = has_adobe_marker;
  jpeg_set_quality(&encoder, 100, TRUE);
  jpeg_start_compress(&encoder, TRUE);
  std::vector<uint8_t> row(16 * 4);
  for (size_t i = 0; i < row.size(); i++) row[i] = stored[i % 4];
  for (int y = 0; y < 16; y++) {
    JSAMPROW pointer = row.data();
    jpeg_write_scanlines(&encoder, &pointer, 1);
  }
  jpeg_finish_compress(&encoder);
  jpeg_destroy_compress(&encoder);
  std::vector<uint8_t> result(bytes, bytes + size);
  std::free(bytes);
  return result;
}

void check_first_pixel(const std::vector<uint8_t>& jpeg, int red, int green, int blue) {
  Buffer<uint8_t> pixels;
  PixelView picture;
  CHECK(decode_whole(jpeg.data(), jpeg.size(), 1000, pixels, &picture).ok());
  CHECK(picture.format == PixelFormat::rgb24);
  const int want[3] = {red, green, blue};
  for (int c = 0; c < 3; c++) CHECK(std::abs(pixels[c] - want[c]) <= 3);
}

std::vector<uint8_t> write_noise(int width, int height, int quality) {
  std::vector<uint8_t> rgb(static_cast<size_t>(width * height * 3));
  unsigned state = 1;
  for (uint8_t& level : rgb)
    level = static_cast<uint8_t>((state = state * 1103515245 + 12345) >> 20);
  PixelView view;
  CHECK(
      make_pixel_view(rgb.data(), rgb.size(), width, height, PixelFormat::rgb24, nullptr, 0, &view)
          .ok());
  UprightRows rows;
  EncodedJpeg jpeg;
  CHECK(encode_jpeg(view, quality, rows, &jpeg).ok());
  return std::vector<uint8_t>(jpeg.data(), jpeg.data() + jpeg.size());
}

std::vector<uint8_t> read_with_libjpeg(const std::vector<uint8_t>& jpeg) {
  jpeg_decompress_struct decoder;
  jpeg_error_mgr errors;
  decoder.err = jpeg_std_error(&errors);
  jpeg_create_decompress(&decoder);
  jpeg_mem_src(&decoder, jpeg.data(), jpeg.size());
  jpeg_read_header(&decoder, TRUE);
  jpeg_start_decompress(&decoder);
  const size_t row_bytes = size_t{decoder.output_width} * 3;
  std::vector<uint8_t> rgb(row_bytes * decoder.output_height);
  while (decoder.output_scanline < decoder.output_height) {
    JSAMPROW row = rgb.data() + row_bytes * decoder.output_scanline;
    jpeg_read_scanlines(&decoder, &row, 1);
  }
  jpeg_finish_decompress(&decoder);
  jpeg_destroy_decompress(&decoder);
  return rgb;
}

}  // namespace

TEST("the pixels of every sampling are those of libjpeg, at most a level apart and seldom that") {
  const int samplings[][2] = {{1, 1}, {2, 1}, {2, 2}, {1, 2}, {4, 1}};
  size_t differing = 0, samples = 0;
  for (const auto& sampling : samplings) {
    // Every remainder of blocks, and pictures that libjpeg does not filter.
    for (int width = 1; width < 70; width += width < 8 ? 1 : 5) {
      const int height = 1 + width * 7 % 41;
      const std::vector<uint8_t> jpeg =
          write_subsampled(width, height, sampling[0], sampling[1], 60 + width % 40);
      Buffer<uint8_t> pixels;
      PixelView picture;
      CHECK(decode_whole(jpeg.data(), jpeg.size(), 1 << 20, pixels, &picture).ok());
      const bool is_usual = sampling[0] <= 2 && sampling[1] <= sampling[0];
      CHECK((picture.format == PixelFormat::jpeg_planes) == (is_usual && width > 4));
      const std::vector<uint8_t> want = read_with_libjpeg(jpeg);
      std::vector<uint8_t> row(static_cast<size_t>(width) * 3);
      for (int y = 0; y < height; y++) {
        // From odd and even columns on, as bands of a turned picture are read.
        const int from = y % std::min(width, 4);
        read_rgb(picture, y, from, width - from, row.data());
        const uint8_t* const right = want.data() + static_cast<size_t>(y * width + from) * 3;
        for (int i = 0; i < (width - from) * 3; i++) {
          const int apart = std::abs(row[static_cast<size_t>(i)] - right[i]);
          CHECK(apart <= 1);
          differing += static_cast<size_t>(apart);
          samples++;
        }
      }
    }
  }
  CHECK(differing * 50 < samples);
}

TEST("CMYK and YCCK, Adobe's and plain") {
  // Ink 0/255/255/0 is red. Adobe stores 255 - ink.
  const uint8_t adobe[4] = {255, 0, 0, 255};
  check_first_pixel(write_cmyk(adobe, JCS_CMYK, true), 255, 0, 0);
  check_first_pixel(write_cmyk(adobe, JCS_YCCK, true), 255, 0, 0);
  const uint8_t plain[4] = {0, 255, 255, 0};
  check_first_pixel(write_cmyk(plain, JCS_CMYK, false), 255, 0, 0);
  const uint8_t half[4] = {255, 128, 255, 128};
  check_first_pixel(write_cmyk(half, JCS_CMYK, true), 128, 64, 128);
}

TEST("the limit on pixels and the request are checked before memory is taken") {
  const std::vector<uint8_t> jpeg = write_noise(50, 40, 80);
  Workspace workspace;
  Transform transform;
  TensorSpec spec;
  spec.width = spec.height = 8;
  std::vector<float> out(3 * 8 * 8);
  const size_t bytes = out.size() * sizeof(float);
  const auto convert = [&](uint64_t max_pixels, const ViewSpec& view, size_t out_bytes) {
    return jpeg_to_tensor(jpeg.data(), jpeg.size(), max_pixels, view, spec, out.data(), out_bytes,
                          workspace, &transform)
        .code;
  };
  ViewSpec beyond;
  beyond.has_region = true;
  beyond.region_x = 49;
  beyond.region_width = 2;
  beyond.region_height = 1;
  CHECK(convert(1999, {}, bytes) == Code::image_too_large);
  CHECK(convert(2000, beyond, bytes) == Code::frame_invalid);
  CHECK(convert(2000, {}, bytes - 1) == Code::tensor_invalid);
  CHECK(workspace.picture.capacity() == 0);
  CHECK(convert(2000, {}, bytes) == Code::ok);
}

TEST("a JPEG cut short at any byte is corrupt, never more") {
  const std::vector<uint8_t> jpeg = write_noise(40, 24, 70);
  Buffer<uint8_t> pixels;
  PixelView picture;
  for (size_t size = 0; size < jpeg.size(); size++) {
    ExactMemory cut(jpeg.data(), size);
    const Status status = decode_whole(cut.data(), size, 5000, pixels, &picture);
    CHECK(status.code == Code::image_corrupt);
    ImageHeader header;
    (void)read_image_header(cut.data(), size, &header);
  }
  CHECK(decode_whole(jpeg.data(), jpeg.size(), 5000, pixels, &picture).ok());
}

TEST("damaged bytes never lead out of bounds") {
  const std::vector<uint8_t> jpeg = write_noise(64, 64, 50);
  Buffer<uint8_t> pixels;
  PixelView picture;
  unsigned state = 99;
  for (int run = 0; run < 3000; run++) {
    ExactMemory damaged(jpeg.data(), jpeg.size());
    for (int hit = 0; hit < 3; hit++) {
      state = state * 1664525 + 1013904223;
      damaged.data()[(state >> 8) % jpeg.size()] = static_cast<uint8_t>(state);
    }
    const Status status = decode_whole(damaged.data(), damaged.size(), 1 << 20, pixels, &picture);
    ImageHeader header;
    (void)read_image_header(damaged.data(), damaged.size(), &header);
    CHECK(status.ok() || status.text[0] != 0);
  }
}

TEST("headers of every format, cut short and damaged, are read within bounds") {
  const char* const starts[] = {
      "\xff\xd8\xff\xe1\x00\x20"
      "Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0",
      "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x05\0\0\0\x06\x08\x02\0\0\0abcd\0\0\0\x04"
      "eXIfII*\0",
      "RIFF\x40\0\0\0WEBPVP8X\x0a\0\0\0\x08\0\0\0\x04\0\0\x05\0\0EXIF\x10\0\0\0II*\0",
      "II*\0\x08\0\0\0\x03\0\0\x01\x03\0\x01\0\0\0\x09\0\0\0\x01\x01\x03\0\x01\0\0\0\x07\0\0\0"};
  const size_t sizes[] = {40, 60, 60, 60};
  unsigned state = 5;
  for (int kind = 0; kind < 4; kind++) {
    for (int run = 0; run < 5000; run++) {
      uint8_t bytes[64] = {0};
      std::memcpy(bytes, starts[kind], sizes[kind] < 34 ? sizes[kind] : 34);
      for (int hit = 0; hit < 4; hit++) {
        state = state * 1664525 + 1013904223;
        bytes[8 + (state >> 8) % 56] = static_cast<uint8_t>(state);
      }
      state = state * 1664525 + 1013904223;
      ExactMemory exact(bytes, (state >> 8) % 65);
      ImageHeader header;
      (void)read_image_header(exact.data(), exact.size(), &header);
      (void)exif_orientation(exact.data(), exact.size());
    }
  }
}
