// JPEG files to letterboxed tensors, beside libjpeg-turbo's entropy decoding of the same file alone.
#include <cstdio>
#include <memory>

#include <jpeglib.h>

#include "../core/jpeg_to_tensor.h"
#include "contender.h"

namespace vedette::bench {

namespace {

void decode_entropy(const JpegFile& file) {
  jpeg_decompress_struct decoder;
  jpeg_error_mgr errors;
  decoder.err = jpeg_std_error(&errors);
  jpeg_create_decompress(&decoder);
  jpeg_mem_src(&decoder, file.bytes.data(), file.bytes.size());
  jpeg_read_header(&decoder, TRUE);
  jpeg_read_coefficients(&decoder);
  jpeg_finish_decompress(&decoder);
  jpeg_destroy_decompress(&decoder);
}

struct JpegWork {
  const JpegFile& file;
  TensorSpec spec;
  std::vector<float> out;
  Workspace workspace;

  JpegWork(const JpegFile& from, int side, Interpolation interpolation)
      : file(from), out(static_cast<size_t>(3 * side * side), 1) {
    spec.width = spec.height = side;
    spec.resize = Resize::letterbox;
    spec.interpolation = interpolation;
    spec.scale = 1 / 255.0;
    spec.pad_value = kPad;
  }

  void run() {
    Transform transform;
    require(jpeg_to_tensor(file.bytes.data(), file.bytes.size(), 100'000'000, {}, spec, out.data(),
                           out.size() * sizeof(float), workspace, &transform));
  }
};

}  // namespace

void add_jpeg_contenders(const JpegFile& file, std::vector<Contender>& contenders) {
  for (const int side : kSides) {
    for (const Interpolation interpolation : {Interpolation::bilinear, Interpolation::area}) {
      const bool is_area = interpolation == Interpolation::area;
      const std::string work = file.name + ' ' + std::to_string(side) + (is_area ? " area" : "");
      contenders.push_back({work, "entropy decoding alone", [&file] { decode_entropy(file); }});
      const auto state = std::make_shared<JpegWork>(file, side, interpolation);
      for_each_kernel([state] { state->run(); },
                      [&](const char* name, std::function<void()> run) {
                        contenders.push_back({work, name, std::move(run), [state] {
                                                return Output{state->out.data(), state->out.size()};
                                              }});
                      });
    }
  }
}

}  // namespace vedette::bench
