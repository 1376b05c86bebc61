#include "raw_to_tensor.h"

#include "quad_crop.h"

namespace vedette {

Status check_request(int stored_width, int stored_height, const ViewSpec& view,
                     const TensorSpec& spec, size_t out_bytes, Region* region) {
  const Status status = check_spec(spec);
  if (!status.ok()) return status;
  const size_t elements = static_cast<size_t>(spec.width) * static_cast<size_t>(spec.height) *
                          static_cast<size_t>(spec.channels());
  const size_t needed = elements * element_bytes(spec.dtype);
  if (out_bytes < needed) {
    return fail(Code::tensor_invalid, "the tensor needs %zu bytes, the buffer holds %zu", needed,
                out_bytes);
  }
  const bool is_transposed = view.orientation.is_transposed();
  const int width = is_transposed ? stored_height : stored_width;
  const int height = is_transposed ? stored_width : stored_height;
  if (view.has_quad) {
    if (view.has_region) {
      return fail(Code::frame_invalid, "a view has a region or a quad, not both");
    }
    if (spec.interpolation != Interpolation::bilinear) {
      return fail(Code::tensor_invalid, "a quad is sampled with interpolation bilinear only");
    }
    *region = pixels_under(view.quad, width, height);
    return check_quad(view.quad, width, height);
  }
  if (!view.has_region) {
    *region = {0, 0, width, height};
    return {};
  }
  const bool fits = view.region_width >= 1 && view.region_height >= 1 && view.region_x >= 0 &&
                    view.region_y >= 0 && view.region_x <= width - view.region_width &&
                    view.region_y <= height - view.region_height;
  if (!fits) {
    return fail(
        Code::frame_invalid,
        "region x %lld, y %lld, %lld x %lld does not lie within the upright picture of %dx%d",
        static_cast<long long>(view.region_x), static_cast<long long>(view.region_y),
        static_cast<long long>(view.region_width), static_cast<long long>(view.region_height),
        width, height);
  }
  *region = {static_cast<int>(view.region_x), static_cast<int>(view.region_y),
             static_cast<int>(view.region_width), static_cast<int>(view.region_height)};
  return {};
}

Status raw_to_tensor(const PixelView& image, const ViewSpec& view, const TensorSpec& spec,
                     void* out, size_t out_bytes, Workspace& workspace, Transform* transform,
                     BarNote* bars) {
  const BarNote left = bars == nullptr ? BarNote{} : *bars;
  if (bars != nullptr) *bars = {};
  Region region;
  Status status = check_request(image.width, image.height, view, spec, out_bytes, &region);
  if (!status.ok()) return status;
  const bool has_gray = is_gray(image.format) || spec.colour_order == ColourOrder::gray;
  const int channels = has_gray ? 1 : 3;
  const Region shown = view.has_quad ? crop_of(view.quad) : region;
  const Fit fit = fit_region(shown, spec);
  workspace.levels.prepare(spec);
  TensorWriter writer(spec, fit, workspace.levels, out);
  bool is_fused = false;
  if (channels == 3 && !view.has_quad) {
    status = workspace.fused.prepare(image, view.orientation, region, fit, spec.interpolation,
                                     &is_fused);
    if (!status.ok()) return status;
  }
  if (!is_fused && !view.has_quad) {
    status = workspace.rows.open(image, view.orientation, region, channels);
  }
  if (!status.ok()) return status;
  const bool has_bars = spec.resize != Resize::stretch && spec.resize != Resize::crop;
  const bool is_kept = has_bars && left == writer.bar_note() && writer.holds_outer_bars();
  if (has_bars && !is_kept) writer.write_bars();
  if (view.has_quad) {
    status =
        write_quad(image, view.orientation, view.quad, fit, region, channels, workspace, writer);
  } else if (is_fused) {
    status = workspace.fused.run(image, writer);
  } else {
    status = workspace.resampler.run(workspace.rows, channels, fit, spec.interpolation, writer);
  }
  if (!status.ok()) return status;
  const bool is_transposed = view.orientation.is_transposed();
  *transform = transform_of(fit, shown, is_transposed ? image.height : image.width,
                            is_transposed ? image.width : image.height);
  transform->has_perspective = view.has_quad;
  if (view.has_quad) perspective_of(view.quad, shown, transform->perspective);
  if (bars != nullptr && has_bars) *bars = writer.bar_note();
  return {};
}

}  // namespace vedette
