#include "../core/row_kernels.h"

#include <cstdio>
#include <cstring>

#include "check.h"
#include "random_frame.h"

using namespace vedette;
using random_frame::Random;

namespace {

void normalise_by_chance(Random& random, TensorSpec* spec) {
  spec->pad_value = random.below(256);
  const bool holds_pixels = spec->dtype == Dtype::uint8 && !spec->is_quantised;
  if (holds_pixels || random.below(2) == 0) return;
  spec->scale = 1 / 255.0;
  if (spec->is_quantised) spec->quantisation.scale /= 100;
  for (int c = 0; c < spec->channels(); c++) {
    spec->mean[c] = random.below(100) / 100.0;
    spec->std[c] = (1 + random.below(100)) / 100.0;
  }
}

}  // namespace

TEST("every kernel gives the bits of the scalar one") {
  CHECK(std::strcmp(available_row_kernels(0)->name, "scalar") == 0);
  Random random(11);
  // Of the two-neighbour rules and of wide pictures more, for they have ways of their own.
  for (int run = 0; run < 4000; run++) {
    const int width = 1 + random.below(run % 3 == 0 ? 60 : 900);
    const int height = 1 + random.below(24);
    const random_frame::Frame frame(random, width, height);
    CHECK(frame.is_valid());
    const ViewSpec view = random_frame::view_of(random, width, height);
    TensorSpec spec = random_frame::tensor_of(random, 300);
    const int rule = random.below(4);
    if (rule < 2) spec.interpolation = rule == 0 ? Interpolation::area : Interpolation::bilinear;
    if (rule == 0 && random.below(4) > 0) spec.height = 1 + random.below(height);
    // Whole ratios, where far neighbours weigh nothing.
    if (random.below(4) == 0) spec.width = 1 + width / 3;
    normalise_by_chance(random, &spec);
    ExactMemory right(random_frame::tensor_bytes(spec));
    Transform transform;
    for (int i = 0; available_row_kernels(i) != nullptr; i++) {
      CHECK(choose_row_kernels(available_row_kernels(i)->name).ok());
      Workspace workspace;
      ExactMemory out(right.size());
      ExactMemory& into = i == 0 ? right : out;
      CHECK(raw_to_tensor(frame.view(), view, spec, into.data(), into.size(), workspace, &transform)
                .ok());
      if (i > 0 && std::memcmp(out.data(), right.data(), out.size()) != 0) {
        std::fprintf(stderr, "%s differs: %s %dx%d -> %dx%d, run %d\n",
                     available_row_kernels(i)->name, format_name(frame.view().format), width,
                     height, spec.width, spec.height, run);
        CHECK(false);
      }
    }
  }
  CHECK(choose_row_kernels(nullptr).ok());
}

TEST("every kernel gives the bits of the scalar one where a step reaches as far as it can") {
  Random random(17);
  for (int run = 0; run < 500; run++) {
    // Few columns of a wide picture, from 10 to 80 pixels apart.
    TensorSpec spec;
    spec.width = 8 + random.below(30);
    spec.height = 2;
    spec.dtype = Dtype::uint8;
    const random_frame::Frame frame(random, spec.width * (10 + random.below(71)), 2);
    CHECK(frame.is_valid());
    ExactMemory right(random_frame::tensor_bytes(spec));
    ExactMemory out(right.size());
    Transform transform;
    for (int i = 0; available_row_kernels(i) != nullptr; i++) {
      CHECK(choose_row_kernels(available_row_kernels(i)->name).ok());
      Workspace workspace;
      ExactMemory& into = i == 0 ? right : out;
      CHECK(raw_to_tensor(frame.view(), {}, spec, into.data(), into.size(), workspace, &transform)
                .ok());
      CHECK(i == 0 || std::memcmp(out.data(), right.data(), out.size()) == 0);
    }
  }
  CHECK(choose_row_kernels(nullptr).ok());
}

TEST("colours that share chroma keep their levels when area adds them up, whatever saturates") {
  // Pairs of every cb in a row and pairs of rows of every luma: halved, each becomes one pixel.
  constexpr int kSide = 512;
  ExactMemory pixels(static_cast<size_t>(kSide) * kSide * 3 / 2);
  for (int y = 0; y < kSide; y++) std::memset(pixels.data() + y * kSide, y / 2, kSide);
  uint8_t* const chroma = pixels.data() + kSide * kSide;
  PixelView image;
  CHECK(make_pixel_view(pixels.data(), pixels.size(), kSide, kSide, PixelFormat::nv12, nullptr, 0,
                        &image)
            .ok());
  TensorSpec spec;
  spec.width = spec.height = kSide / 2;
  spec.dtype = Dtype::uint8;
  spec.interpolation = Interpolation::area;
  ExactMemory right(random_frame::tensor_bytes(spec)), out(right.size());
  for (int cr = 0; cr < 256; cr += 15) {
    for (int i = 0; i < kSide * kSide / 2; i++) {
      chroma[i] = static_cast<uint8_t>((i & 1) == 0 ? i / 2 % 256 : cr);
    }
    for (int i = 0; available_row_kernels(i) != nullptr; i++) {
      CHECK(choose_row_kernels(available_row_kernels(i)->name).ok());
      Workspace workspace;
      Transform transform;
      ExactMemory& into = i == 0 ? right : out;
      CHECK(raw_to_tensor(image, {}, spec, into.data(), into.size(), workspace, &transform).ok());
      CHECK(i == 0 || std::memcmp(out.data(), right.data(), out.size()) == 0);
    }
  }
  CHECK(choose_row_kernels(nullptr).ok());
}

TEST("a workspace that changes picture, tensor and kernel forgets its tables") {
  Random random(5);
  Workspace used;
  for (int run = 0; run < 600; run++) {
    // Few sizes, so that a table that should have changed is likely to fit.
    const int width = 200 + random.below(2);
    ExactMemory pixels(static_cast<size_t>(width) * 8 * 3);
    for (size_t i = 0; i < pixels.size(); i++) {
      pixels.data()[i] = static_cast<uint8_t>(random.below(256));
    }
    const PixelFormat format = random.below(2) == 0 ? PixelFormat::rgb24 : PixelFormat::bgr24;
    PixelView image;
    CHECK(make_pixel_view(pixels.data(), pixels.size(), width, 8, format, nullptr, 0, &image).ok());
    ViewSpec view;
    view.orientation = {random.below(2) * 2, random.below(2) == 1};
    view.has_region = random.below(2) == 1;
    view.region_x = random.below(2);
    view.region_y = random.below(2);
    view.region_width = 150;
    view.region_height = 6;
    TensorSpec spec;
    spec.dtype = Dtype::uint8;
    spec.width = 70 + random.below(2);
    spec.height = 5;
    spec.interpolation = random.below(2) == 0 ? Interpolation::bilinear : Interpolation::nearest;
    int kernels = 0;
    while (available_row_kernels(kernels + 1) != nullptr) kernels++;
    CHECK(choose_row_kernels(available_row_kernels(random.below(kernels + 1))->name).ok());
    Workspace fresh;
    Transform transform;
    ExactMemory out(random_frame::tensor_bytes(spec));
    ExactMemory want(out.size());
    CHECK(raw_to_tensor(image, view, spec, out.data(), out.size(), used, &transform).ok());
    CHECK(raw_to_tensor(image, view, spec, want.data(), want.size(), fresh, &transform).ok());
    CHECK(std::memcmp(out.data(), want.data(), out.size()) == 0);
  }
  CHECK(choose_row_kernels(nullptr).ok());
}

TEST("a kernel that is not there is refused and nothing changes") {
  const char* const before = row_kernels().name;
  const Status status = choose_row_kernels("mmx");
  CHECK(status.code == Code::internal);
  CHECK(std::strstr(status.text, "\"mmx\"") != nullptr);
  CHECK(std::strstr(status.text, "scalar") != nullptr);
  CHECK(std::strcmp(row_kernels().name, before) == 0);
}
