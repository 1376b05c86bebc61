#include "../core/jpeg_to_tensor.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "check.h"
#include "jpeg_samples.h"
#include "random_frame.h"

using namespace vedette;
using jpeg_samples::decode_whole;
using jpeg_samples::write_subsampled;
using random_frame::Random;

namespace {

constexpr int kSamplings[][2] = {{1, 1}, {2, 1}, {2, 2}, {1, 2}};

// With the orientation tag of EXIF behind the first marker.
std::vector<uint8_t> turned(const std::vector<uint8_t>& jpeg, int orientation) {
  std::vector<uint8_t> exif = {0xff, 0xe1, 0, 34, 'E', 'x', 'i', 'f', 0,    0, 'I', 'I',
                               0x2a, 0,    8, 0,  0,   0,   1,   0,   0x12, 1, 3,   0,
                               1,    0,    0, 0,  0,   0,   0,   0,   0,    0, 0,   0};
  exif[28] = static_cast<uint8_t>(orientation);
  std::vector<uint8_t> result(jpeg.begin(), jpeg.begin() + 2);
  result.insert(result.end(), exif.begin(), exif.end());
  result.insert(result.end(), jpeg.begin() + 2, jpeg.end());
  return result;
}

void choose_any_kernels(Random& random) {
  int count = 0;
  while (available_row_kernels(count) != nullptr) count++;
  CHECK(choose_row_kernels(available_row_kernels(random.below(count))->name).ok());
}

}  // namespace

TEST("rows decoded when a tensor asks for them make the tensor of the whole picture, to the byte") {
  Random random(21);
  Workspace streaming;
  for (int run = 0; run < 1500; run++) {
    const int width = 1 + random.below(run % 4 == 0 ? 400 : 90);
    const int height = 1 + random.below(150);
    const auto& sampling = kSamplings[random.below(4)];
    const unsigned restart = random.below(3) == 0 ? 1 + static_cast<unsigned>(random.below(9)) : 0;
    const int exif = 1 + random.below(8);
    const std::vector<uint8_t> jpeg =
        turned(write_subsampled(width, height, sampling[0], sampling[1], 40 + random.below(60),
                                random.below(4) == 0, restart),
               exif);
    const bool is_turned = exif > 4;
    const ViewSpec view =
        random_frame::view_of(random, is_turned ? height : width, is_turned ? width : height);
    TensorSpec spec = random_frame::tensor_of(random, 120);
    spec.height = 1 + random.below(120);
    choose_any_kernels(random);

    Buffer<uint8_t> pixels;
    PixelView picture;
    ViewSpec upright = view;
    Orientation stored;
    CHECK(decode_whole(jpeg.data(), jpeg.size(), 1 << 20, pixels, &picture, &stored).ok());
    upright.orientation = compose(stored, view.orientation);
    Workspace fresh;
    Transform want_transform, transform;
    ExactMemory want(random_frame::tensor_bytes(spec)), out(want.size());
    CHECK(raw_to_tensor(picture, upright, spec, want.data(), want.size(), fresh, &want_transform)
              .ok());
    CHECK(jpeg_to_tensor(jpeg.data(), jpeg.size(), 1 << 20, view, spec, out.data(), out.size(),
                         streaming, &transform)
              .ok());
    CHECK(std::memcmp(out.data(), want.data(), out.size()) == 0);
    CHECK(std::memcmp(&transform, &want_transform, sizeof transform) == 0);
  }
  CHECK(choose_row_kernels(nullptr).ok());
}

TEST("a picture read downward takes the memory of two rows of blocks") {
  const std::vector<uint8_t> jpeg = write_subsampled(320, 640, 2, 2, 80);
  TensorSpec spec;
  spec.width = spec.height = 32;
  std::vector<float> out(3 * 32 * 32);
  const auto memory_for = [&](Orientation orientation) {
    Workspace workspace;
    ViewSpec view;
    view.orientation = orientation;
    Transform transform;
    CHECK(jpeg_to_tensor(jpeg.data(), jpeg.size(), 1 << 20, view, spec, out.data(),
                         out.size() * sizeof(float), workspace, &transform)
              .ok());
    return workspace.picture.capacity();
  };
  const size_t kept = 2 * 16 * 320 * 3 / 2;
  CHECK(memory_for({0, false}) == kept);
  CHECK(memory_for({0, true}) == kept);
  CHECK(memory_for({1, false}) == 20 * kept);
  CHECK(memory_for(mirrored_vertically()) == 20 * kept);
}

TEST(
    "a JPEG cut short in any row of blocks is the same fault whether rows or the whole picture are "
    "decoded, and no bars are kept") {
  Random random(3);
  for (const auto& sampling : kSamplings) {
    const std::vector<uint8_t> jpeg = write_subsampled(70, 130, sampling[0], sampling[1], 80);
    TensorSpec spec = {};
    spec.width = spec.height = 24;
    spec.resize = Resize::letterbox;
    std::vector<float> out(3 * 24 * 24);
    const size_t bytes = out.size() * sizeof(float);
    Workspace workspace;
    for (size_t size = 2; size < jpeg.size(); size += 1 + static_cast<size_t>(random.below(60))) {
      ExactMemory cut(jpeg.data(), size);
      Buffer<uint8_t> pixels;
      PixelView picture;
      const Status whole = decode_whole(cut.data(), size, 1 << 20, pixels, &picture);
      CHECK(whole.code == Code::image_corrupt);
      const ViewSpec view = random_frame::view_of(random, 70, 130);
      spec.interpolation = static_cast<Interpolation>(random.below(5));
      spec.colour_order = static_cast<ColourOrder>(random.below(3));
      choose_any_kernels(random);
      Transform transform;
      BarNote bars;
      CHECK(jpeg_to_tensor(jpeg.data(), jpeg.size(), 1 << 20, view, spec, out.data(), bytes,
                           workspace, &transform, &bars)
                .ok());
      CHECK(!(bars == BarNote()));
      const Status status = jpeg_to_tensor(cut.data(), size, 1 << 20, view, spec, out.data(), bytes,
                                           workspace, &transform, &bars);
      CHECK(status.code == Code::image_corrupt);
      CHECK(std::strcmp(status.text, whole.text) == 0);
      CHECK(bars == BarNote());
    }
  }
  CHECK(choose_row_kernels(nullptr).ok());
}
