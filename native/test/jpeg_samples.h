#pragma once
#include <cstdio>
#include <cstdlib>
#include <vector>

#include <jpeglib.h>

#include "../core/jpeg_decoder.h"

// JPEGs for tests, and the plain way to read one.
namespace jpeg_samples {

// Noise under a slow wave, in YCbCr with chroma divided by `across` and `down`; a restart marker after
// so many blocks (0: none).
inline std::vector<uint8_t> write_subsampled(int width, int height, int across, int down,
                                             int quality, bool is_progressive = false,
                                             unsigned restart_blocks = 0) {
  jpeg_compress_struct encoder;
  jpeg_error_mgr errors;
  encoder.err = jpeg_std_error(&errors);
  jpeg_create_compress(&encoder);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&encoder, &bytes, &size);
  encoder.image_width = static_cast<JDIMENSION>(width);
  encoder.image_height = static_cast<JDIMENSION>(height);
  encoder.input_components = 3;
  encoder.in_color_space = JCS_RGB;
  jpeg_set_defaults(&encoder);
  jpeg_set_quality(&encoder, quality, TRUE);
  encoder.comp_info[0].h_samp_factor = across;
  encoder.comp_info[0].v_samp_factor = down;
  encoder.restart_interval = restart_blocks;
  if (is_progressive) jpeg_simple_progression(&encoder);
  jpeg_start_compress(&encoder, TRUE);
  std::vector<uint8_t> row(static_cast<size_t>(width) * 3);
  unsigned state = 7;
  for (int y = 0; y < height; y++) {
    for (size_t i = 0; i < row.size(); i++) {
      state = state * 1103515245 + 12345;
      row[i] = static_cast<uint8_t>((i * (1 + i % 3) + static_cast<size_t>(y) * 3) / 2 +
                                    (state >> 20) % 90);
    }
    JSAMPROW pointer = row.data();
    jpeg_write_scanlines(&encoder, &pointer, 1);
  }
  jpeg_finish_compress(&encoder);
  jpeg_destroy_compress(&encoder);
  std::vector<uint8_t> result(bytes, bytes + size);
  std::free(bytes);
  return result;
}

// Every row of the picture at once, as the decoder gives them without a tensor that asks.
inline vedette::Status decode_whole(const uint8_t* data, size_t size, uint64_t max_pixels,
                                    vedette::Buffer<uint8_t>& pixels, vedette::PixelView* view,
                                    vedette::Orientation* orientation = nullptr) {
  vedette::JpegDecoder decoder;
  vedette::Status status = decoder.open(data, size, max_pixels);
  if (!status.ok()) return status;
  if (orientation != nullptr) *orientation = decoder.info().orientation;
  status = decoder.start({0, decoder.info().height, false}, pixels, view);
  return status.ok() ? decoder.finish() : status;
}

}  // namespace jpeg_samples
