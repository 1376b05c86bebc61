#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "../../core/raw_to_tensor.h"
#include "../../core/row_kernels.h"

using namespace vedette;

// Turns a frame of 1920x1080 into a tensor as often as told, and nothing else.
// Usage: frames_to_tensor KERNEL FORMAT RULE SIDE TIMES
int main(int count, char** arguments) {
  if (count != 6) return 2;
  const char* const formats[] = {"rgb24", "nv12", "i420", "yuyv"};
  const PixelFormat kinds[] = {PixelFormat::rgb24, PixelFormat::nv12, PixelFormat::i420,
                               PixelFormat::yuyv};
  int kind = 0;
  while (kind < 4 && std::strcmp(formats[kind], arguments[2]) != 0) kind++;
  if (kind == 4 || !choose_row_kernels(arguments[1]).ok()) return 2;
  std::vector<uint8_t> pixels(1920 * 1080 * 3);
  for (size_t i = 0; i < pixels.size(); i++) pixels[i] = static_cast<uint8_t>(i * 7);
  PixelView image;
  if (!make_pixel_view(pixels.data(), pixels.size(), 1920, 1080, kinds[kind], nullptr, 0, &image)
           .ok()) {
    return 1;
  }
  TensorSpec spec;
  spec.width = spec.height = std::atoi(arguments[4]);
  spec.resize = Resize::letterbox;
  spec.interpolation =
      std::strcmp(arguments[3], "area") == 0 ? Interpolation::area : Interpolation::bilinear;
  spec.scale = 1 / 255.0;
  std::vector<float> out(static_cast<size_t>(spec.width) * static_cast<size_t>(spec.height) * 3);
  Workspace workspace;
  Transform transform;
  BarNote bars;
  for (int left = std::atoi(arguments[5]); left > 0; left--) {
    const Status status = raw_to_tensor(image, {}, spec, out.data(), out.size() * sizeof(float),
                                        workspace, &transform, &bars);
    if (!status.ok()) {
      std::fprintf(stderr, "%s\n", status.text);
      return 1;
    }
  }
  return 0;
}
