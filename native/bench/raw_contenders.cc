// Raw frames to letterboxed tensors by each kernel, and with bars that stay; `area` beside them.
#include <memory>

#include "../core/raw_to_tensor.h"
#include "contender.h"

namespace vedette::bench {

namespace {

struct RawWork {
  PixelView image;
  TensorSpec spec;
  std::vector<float> out;
  Workspace workspace;
  Transform transform;
  BarNote bars;

  RawWork(const Frame& frame, int side, Interpolation interpolation)
      : out(static_cast<size_t>(3 * side * side), 1) {
    require(make_pixel_view(frame.bytes.data(), frame.bytes.size(), kWidth, kHeight, frame.format,
                            nullptr, 0, &image));
    spec.width = spec.height = side;
    spec.resize = Resize::letterbox;
    spec.interpolation = interpolation;
    spec.scale = 1 / 255.0;
    spec.pad_value = kPad;
  }

  void run(BarNote* note) {
    require(raw_to_tensor(image, {}, spec, out.data(), out.size() * sizeof(float), workspace,
                          &transform, note));
  }
};

}  // namespace

void add_raw_contenders(const Frame& frame, std::vector<Contender>& contenders) {
  for (const int side : kSides) {
    for (const Interpolation interpolation : {Interpolation::bilinear, Interpolation::area}) {
      const bool is_area = interpolation == Interpolation::area;
      const std::string work = std::string(format_name(frame.format)) + ' ' + std::to_string(side) +
                               (is_area ? " area" : "");
      const auto state = std::make_shared<RawWork>(frame, side, interpolation);
      const auto output = [state] { return Output{state->out.data(), state->out.size()}; };
      for_each_kernel([state] { state->run(nullptr); },
                      [&](const char* name, std::function<void()> run) {
                        contenders.push_back({work, name, std::move(run), output});
                      });
      // The kernels that this processor would choose.
      const auto kept = std::make_shared<RawWork>(frame, side, interpolation);
      contenders.push_back({work, "bars kept",
                            [kept] {
                              require(choose_row_kernels(nullptr));
                              kept->run(&kept->bars);
                            },
                            [kept] {
                              return Output{kept->out.data(), kept->out.size()};
                            }});
    }
  }
}

}  // namespace vedette::bench
