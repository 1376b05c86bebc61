#include <atomic>
#include <cstdlib>
#include <vector>

#include "../core/jpeg_encoder.h"
#include "../core/jpeg_to_tensor.h"
#include "check.h"

using namespace vedette;

// Of the sanitizers' allocators; null where there is none, as under valgrind, which counts by itself.
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void*,
                                                                           size_t),
                                                         void (*on_free)(const volatile void*))
    __attribute__((weak));

namespace {

std::atomic<int64_t> allocations{0};
std::atomic<int64_t> releases{0};

constexpr int kSide = 32;
constexpr int kTensor = 24;

// Of each of the eight kinds of call; the variable, of all together, is set where leaks are looked for.
int repetitions() {
  const char* const asked = std::getenv("VEDETTE_CALLS");
  return asked == nullptr ? 400 : std::atoi(asked) / 8;
}

struct Counted {
  int64_t allocations;
  int64_t releases;
};

// What one kind of call allocated and gave back, without the first ones, which fill their tables.
template <typename Call>
Counted count(Call call) {
  for (int i = 0; i < 3; i++) call();
  const Counted before = {allocations, releases};
  const int calls = repetitions();
  for (int i = 0; i < calls; i++) call();
  return {allocations - before.allocations, releases - before.releases};
}

}  // namespace

TEST("frames of one geometry allocate nothing, JPEGs give back all that they take") {
  if (__sanitizer_install_malloc_and_free_hooks != nullptr) {
    static const bool is_installed =
        __sanitizer_install_malloc_and_free_hooks(
            [](const volatile void*, size_t) { allocations++; },
            [](const volatile void* memory) { releases += memory != nullptr ? 1 : 0; }) != 0;
    CHECK(is_installed);
  }
  Workspace workspace;
  std::vector<uint8_t> pixels(kSide * kSide * 3, 99);
  std::vector<float> out(3 * kTensor * kTensor);
  const size_t out_bytes = out.size() * sizeof(float);
  Transform transform;
  TensorSpec spec;
  spec.width = spec.height = kTensor;
  PixelView nv12, gray;
  CHECK(make_pixel_view(pixels.data(), pixels.size(), kSide, kSide / 2, PixelFormat::nv12, nullptr,
                        0, &nv12)
            .ok());
  CHECK(make_pixel_view(pixels.data(), pixels.size(), kSide, kSide, PixelFormat::gray8, nullptr, 0,
                        &gray)
            .ok());
  for (const PixelView& image : {nv12, gray}) {
    for (const Interpolation interpolation :
         {Interpolation::bilinear, Interpolation::area, Interpolation::bicubic_antialias}) {
      spec.interpolation = interpolation;
      const Counted raw = count([&] {
        CHECK(raw_to_tensor(image, {}, spec, out.data(), out_bytes, workspace, &transform).ok());
      });
      CHECK(raw.allocations == 0 && raw.releases == 0);
    }
  }
  UprightRows rows;
  EncodedJpeg jpeg;
  CHECK(encode_jpeg(nv12, 90, rows, &jpeg).ok());
  const std::vector<uint8_t> file(jpeg.data(), jpeg.data() + jpeg.size());
  spec.interpolation = Interpolation::bilinear;
  const Counted decoded = count([&] {
    CHECK(jpeg_to_tensor(file.data(), file.size(), 10000, {}, spec, out.data(), out_bytes,
                         workspace, &transform)
              .ok());
  });
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  // Their allocators tell the hooks; without them nothing is counted here.
  CHECK(decoded.allocations > 0);
#endif
  CHECK(decoded.allocations == decoded.releases);
  CHECK(decoded.allocations <= 40 * repetitions());
  // A fault on the way gives back as much.
  const Counted failed = count([&] {
    CHECK(jpeg_to_tensor(file.data(), file.size() / 2, 10000, {}, spec, out.data(), out_bytes,
                         workspace, &transform)
              .code == Code::image_corrupt);
  });
  CHECK(failed.allocations == failed.releases);
}
