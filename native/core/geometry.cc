#include "geometry.h"

#include <algorithm>
#include <cmath>

#include "level_tables.h"
#include "pixel_view.h"

namespace vedette {
namespace {

// Values are a straight line over the levels: what holds at its ends holds in between.
Status check_values(const TensorSpec& spec, int channel) {
  LevelTable table;
  set_normalisation(spec, channel, &table);
  for (const float level : {0.0f, 255.0f}) {
    const float value = level * table.factor + table.offset;
    if (!std::isfinite(value)) {
      return fail(Code::tensor_invalid,
                  "scale %g, mean %g and std %g give no finite float32 for level %g", spec.scale,
                  spec.mean[channel], spec.std[channel], static_cast<double>(level));
    }
    if (spec.dtype == Dtype::float16 && (half_of(value) & 0x7fff) == 0x7c00) {
      return fail(Code::tensor_invalid,
                  "a float16 holds -65504 to 65504, but scale, mean and std give %g for level %g",
                  static_cast<double>(value), static_cast<double>(level));
    }
  }
  return {};
}

Status check_quantisation(const TensorSpec& spec) {
  if (!spec.is_quantised) {
    if (spec.dtype != Dtype::int8) return {};
    return fail(Code::tensor_invalid, "an int8 tensor needs a quantisation: scale and zeroPoint");
  }
  if (spec.dtype != Dtype::int8 && spec.dtype != Dtype::uint8) {
    return fail(Code::tensor_invalid, "quantisation is for int8 and uint8, the dtype is %s",
                dtype_name(spec.dtype));
  }
  const auto [scale, zero_point] = spec.quantisation;
  // It divides as a float32, which neither infinity nor 0 may be.
  if (!(scale > 0) || !std::isnormal(static_cast<float>(scale))) {
    return fail(Code::tensor_invalid,
                "quantisation.scale must be greater than 0 and a normal float32, got %g", scale);
  }
  const double low = spec.dtype == Dtype::int8 ? INT8_MIN : 0;
  const double high = spec.dtype == Dtype::int8 ? INT8_MAX : UINT8_MAX;
  if (!(zero_point >= low && zero_point <= high) || std::trunc(zero_point) != zero_point) {
    return fail(Code::tensor_invalid,
                "quantisation.zeroPoint must be a whole number of %g to %g for %s, got %g", low,
                high, dtype_name(spec.dtype), zero_point);
  }
  return {};
}

}  // namespace

const char* dtype_name(Dtype dtype) {
  static const char* const names[kDtypes] = {"float32", "uint8", "float16", "int8"};
  return names[static_cast<int>(dtype)];
}

size_t element_bytes(Dtype dtype) {
  static const size_t bytes[kDtypes] = {4, 1, 2, 1};
  return bytes[static_cast<int>(dtype)];
}

Status check_spec(const TensorSpec& spec) {
  if (spec.width < 1 || spec.width > kMaxSide || spec.height < 1 || spec.height > kMaxSide) {
    return fail(Code::tensor_invalid, "tensor width and height must be 1 to %d, got %d x %d",
                kMaxSide, spec.width, spec.height);
  }
  if (!std::isfinite(spec.scale)) return fail(Code::tensor_invalid, "scale must be finite");
  if (!(spec.pad_value >= 0 && spec.pad_value <= 255)) {
    return fail(Code::tensor_invalid, "padValue must be 0 to 255, got %g", spec.pad_value);
  }
  Status status = check_quantisation(spec);
  if (!status.ok()) return status;
  for (int channel = 0; channel < spec.channels(); channel++) {
    if (!std::isfinite(spec.mean[channel])) {
      return fail(Code::tensor_invalid, "mean[%d] must be finite", channel);
    }
    if (!std::isfinite(spec.std[channel]) || spec.std[channel] == 0) {
      return fail(Code::tensor_invalid, "std[%d] must be finite and not 0", channel);
    }
    const bool is_plain = spec.scale == 1 && spec.mean[channel] == 0 && spec.std[channel] == 1;
    if (spec.dtype == Dtype::uint8 && !spec.is_quantised && !is_plain) {
      return fail(Code::tensor_invalid,
                  "a uint8 tensor without quantisation holds the pixels as they are: scale must be "
                  "1, mean 0, std 1");
    }
    status = check_values(spec, channel);
    if (!status.ok()) return status;
  }
  return {};
}

namespace {

AxisFit letterbox_axis(int source, int target, double ratio) {
  const int count = std::clamp(static_cast<int>(std::nearbyint(source * ratio)), 1, target);
  return {source, count, 0, count, (target - count) / 2};
}

AxisFit top_left_axis(int source, int target, double ratio) {
  const int count = std::clamp(static_cast<int>(source * ratio), 1, target);
  return {source, count, 0, count, 0};
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
    case Resize::letterbox:
    case Resize::letterbox_top_left: {
      const double ratio = std::min(static_cast<double>(spec.width) / region.width,
                                    static_cast<double>(spec.height) / region.height);
      if (spec.resize == Resize::letterbox_top_left) {
        return {top_left_axis(region.width, spec.width, ratio),
                top_left_axis(region.height, spec.height, ratio)};
      }
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
    case Resize::line: {
      const int64_t width =
          (static_cast<int64_t>(region.width) * spec.height + region.height - 1) / region.height;
      const int count = static_cast<int>(std::min<int64_t>(width, spec.width));
      return {{region.width, count, 0, count, 0}, whole_y};
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
          upright_height,
          false,
          {0}};
}

}  // namespace vedette
