#include "level_tables.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace vedette {

void set_normalisation(const TensorSpec& spec, int channel, LevelTable* table) {
  table->factor = static_cast<float>(spec.scale / spec.std[channel]);
  table->offset = static_cast<float>(-spec.mean[channel] / spec.std[channel]);
}

uint16_t half_of(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  const uint32_t sign = bits >> 16 & 0x8000;
  const uint32_t magnitude = bits & 0x7fffffff;
  constexpr uint32_t kInfinity = 0x7f800000;
  constexpr uint32_t kTwoTo16 = 0x47800000;
  constexpr uint32_t kSmallestNormal = 0x38800000;  // 2^-14
  if (magnitude >= kTwoTo16) {
    return static_cast<uint16_t>(sign | (magnitude > kInfinity ? 0x7e00u : 0x7c00u));
  }
  if (magnitude < kSmallestNormal) {
    // Whole steps of 2^-24; the product is exact.
    const float steps = std::nearbyint(std::fabs(value) * 16777216.0f);
    return static_cast<uint16_t>(sign | static_cast<uint32_t>(steps));
  }
  // 13 bits of the fraction go; a carry moves the exponent, up to infinity.
  const uint32_t is_odd = magnitude >> 13 & 1;
  const uint32_t rounded = magnitude + 0xfff + is_odd - 0x38000000;
  return static_cast<uint16_t>(sign | rounded >> 13);
}

uint8_t quantised(float value, const Quantisation& quantisation, Dtype dtype) {
  const int low = dtype == Dtype::int8 ? INT8_MIN : 0;
  const int high = dtype == Dtype::int8 ? INT8_MAX : UINT8_MAX;
  const int zero = static_cast<int>(quantisation.zero_point);
  const float steps = std::nearbyint(value / static_cast<float>(quantisation.scale));
  // Clamped as a float first: a quotient may be beyond every integer, even infinite.
  const float kept =
      std::clamp(steps, static_cast<float>(low - zero), static_cast<float>(high - zero));
  return static_cast<uint8_t>(static_cast<int>(kept) + zero);
}

bool LevelTables::Key::operator==(const Key& other) const {
  return dtype == other.dtype && channels == other.channels && scale == other.scale &&
         std::equal(mean, mean + 3, other.mean) && std::equal(std, std + 3, other.std) &&
         is_quantised == other.is_quantised && quantisation == other.quantisation;
}

void LevelTables::prepare(const TensorSpec& spec) {
  Key key;
  key.dtype = spec.dtype;
  key.channels = spec.channels();
  key.scale = spec.scale;
  std::copy(spec.mean, spec.mean + key.channels, key.mean);
  std::copy(spec.std, spec.std + key.channels, key.std);
  key.is_quantised = spec.is_quantised;
  if (spec.is_quantised) key.quantisation = spec.quantisation;
  if (key == key_) return;
  for (int c = 0; c < key.channels; c++) {
    LevelTable& table = tables_[c];
    set_normalisation(spec, c, &table);
    for (int level = 0; level < 256; level++) {
      const float value = static_cast<float>(level) * table.factor + table.offset;
      if (spec.dtype == Dtype::float16) table.halves[level] = half_of(value);
      if (spec.is_quantised) {
        table.codes[level] = quantised(value, spec.quantisation, spec.dtype);
      }
    }
  }
  key_ = key;
}

}  // namespace vedette
