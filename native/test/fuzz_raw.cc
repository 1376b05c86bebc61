// libFuzzer target: the first bytes choose format, sizes, strides, view and tensor, the rest are
// pixels. The same bytes are read as the first line of a YUV4MPEG2 stream.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <vector>

#include "../core/raw_to_tensor.h"
#include "../core/y4m_header.h"

using namespace vedette;

namespace {

struct Choices {
  const uint8_t* data;
  size_t size;

  int below(int limit) {
    if (size == 0) return 0;
    size--;
    return *data++ % limit;
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Workspace workspace;
  {
    // Ends where its memory does.
    const std::vector<char> line(data, data + std::min(size, kMaxY4mHeaderBytes));
    (void)check_y4m_header(line.data(), line.size(), 32, 18);
  }
  Choices choices{data, size};
  const PixelFormat format = static_cast<PixelFormat>(choices.below(kPixelFormats));
  const int64_t width = choices.below(256) - 1;
  const int64_t height = choices.below(64) - 1;
  int64_t strides[kMaxPlanes];
  for (int64_t& stride : strides)
    stride = choices.below(256) * (choices.below(8) == 0 ? 1 << 20 : 1);
  const int stride_count = choices.below(4);
  ViewSpec view;
  view.orientation = {choices.below(4), choices.below(2) == 1};
  view.has_region = choices.below(2) == 1;
  view.region_x = choices.below(256) - 4;
  view.region_y = choices.below(64) - 4;
  view.region_width = choices.below(256) - 1;
  view.region_height = choices.below(64) - 1;
  view.has_quad = choices.below(4) == 0;
  for (int i = 0; i < 4; i++) {
    // Mostly around the corners of a rectangle, so that some are seen clockwise.
    view.quad.x[i] = (i == 1 || i == 2 ? 40 : 0) + choices.below(64) - 16;
    view.quad.y[i] = (i > 1 ? 40 : 0) + choices.below(64) - 16;
  }
  if (view.has_quad) view.has_region = false;
  SampleMeaning meaning;
  meaning.has_colour = choices.below(2) == 1;
  meaning.matrix = static_cast<YuvMatrix>(choices.below(kYuvMatrices));
  meaning.range = static_cast<YuvRange>(choices.below(kYuvRanges));
  meaning.has_levels = choices.below(2) == 1;
  meaning.black = choices.below(256) * 16 - 1;
  meaning.white = choices.below(256) * 257 + 1;
  TensorSpec spec;
  spec.width = choices.below(130);
  spec.height = choices.below(130);
  spec.layout = static_cast<Layout>(choices.below(2));
  spec.dtype = static_cast<Dtype>(choices.below(kDtypes));
  spec.is_quantised = choices.below(4) > 0;
  spec.quantisation.scale = std::ldexp(1.0 + choices.below(256) / 256.0, choices.below(256) - 140);
  spec.quantisation.zero_point = choices.below(256) - (spec.dtype == Dtype::int8 ? 128 : 0);
  spec.colour_order = static_cast<ColourOrder>(choices.below(3));
  spec.resize = static_cast<Resize>(choices.below(4));
  spec.interpolation = static_cast<Interpolation>(choices.below(5));
  spec.pad_value = choices.below(256);

  PixelView image;
  // Exactly as many bytes as there are: the sanitizer sees a read beyond them.
  std::vector<uint8_t> pixels(choices.data, choices.data + choices.size);
  pixels.shrink_to_fit();
  if (!make_pixel_view(pixels.data(), pixels.size(), width, height, format, strides, stride_count,
                       &image)
           .ok()) {
    return 0;
  }
  // A frame that says too much is refused; without what it says its pixels still count.
  (void)set_meaning(meaning, &image);
  const size_t elements = static_cast<size_t>(spec.width) * static_cast<size_t>(spec.height) *
                          static_cast<size_t>(spec.channels());
  const size_t bytes = elements * element_bytes(spec.dtype);
  void* out = std::malloc(bytes + 1);
  Transform transform;
  (void)raw_to_tensor(image, view, spec, out, bytes, workspace, &transform);
  std::free(out);
  return 0;
}
