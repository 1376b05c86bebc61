#include "geometry.h"

#include <algorithm>
#include <cmath>

#include "pixel_view.h"

namespace vedette {

Status check_spec(const TensorSpec& spec) {
  if (spec.width < 1 || spec.width > kMaxSide || spec.height < 1 || spec.height > kMaxSide) {
    return fail(Code::tensor_invalid, "tensor width and height must be 1 to %d, got %d x %d",
                kMaxSide, spec.width, spec.height);
  }
  if (!std::isfinite(spec.scale)) return fail(Code::tensor_invalid, "scale must be finite");
  if (!(spec.pad_value >= 0 && spec.pad_value <= 255)) {
    return fail(Code::tensor_invalid, "padValue must be 0 to 255, got %g", spec.pad_value);
  }
  for (int channel = 0; channel < spec.channels(); channel++) {
    if (!std::isfinite(spec.mean[channel])) {
      return fail(Code::tensor_invalid, "mean[%d] must be finite", channel);
    }
    if (!std::isfinite(spec.std[channel]) || spec.std[channel] == 0) {
      return fail(Code::tensor_invalid, "std[%d] must be finite and not 0", channel);
    }
    const bool is_plain = spec.scale == 1 && spec.mean[channel] == 0 && spec.std[channel] == 1;
    if (spec.dtype == Dtype::uint8 && !is_plain) {
      return fail(Code::tensor_invalid,
                  "a uint8 tensor holds the pixels as they are: scale must be 1, mean 0, std 1");
    }
  }
  return {};
}

namespace {

AxisFit letterbox_axis(int source, int target, double ratio) {
  const int count = std::clamp(static_cast<int>(std::nearbyint(source * ratio)), 1, target);
  return {source, count, 0, count, (target - count) / 2};
}

AxisFit crop_axis(int source, int target, int64_t numerator, int64_t denominator) {
  const int64_t scaled = source * numerator / denominator;
  const int64_t length = std::max<int64_t>(scaled, target);
  const int64_t first =
      static_cast<int64_t>(std::nearbyint(static_cast<double>(length - target) / 2));
  return {source, length, first, target, 0};
}

}  // namespace

Fit fit_region(const Region& region, const TensorSpec& spec) {
  const AxisFit whole_x{region.width, spec.width, 0, spec.width, 0};
  const AxisFit whole_y{region.height, spec.height, 0, spec.height, 0};
  switch (spec.resize) {
    case Resize::letterbox: {
      const double ratio = std::min(static_cast<double>(spec.width) / region.width,
                                    static_cast<double>(spec.height) / region.height);
      return {letterbox_axis(region.width, spec.width, ratio),
              letterbox_axis(region.height, spec.height, ratio)};
    }
    case Resize::crop: {
      const int64_t by_width = static_cast<int64_t>(spec.width) * region.height;
      const int64_t by_height = static_cast<int64_t>(spec.height) * region.width;
      if (by_width >= by_height) {
        return {whole_x, crop_axis(region.height, spec.height, spec.width, region.width)};
      }
      return {crop_axis(region.width, spec.width, spec.height, region.height), whole_y};
    }
    default: return {whole_x, whole_y};
  }
}

Transform transform_of(const Fit& fit, const Region& region, int upright_width,
                       int upright_height) {
  const double sx = fit.x.source / static_cast<double>(fit.x.virtual_length);
  const double sy = fit.y.source / static_cast<double>(fit.y.virtual_length);
  return {sx,
          sy,
          region.x + static_cast<double>(fit.x.first - fit.x.place) * sx,
          region.y + static_cast<double>(fit.y.first - fit.y.place) * sy,
          upright_width,
          upright_height};
}

}  // namespace vedette
