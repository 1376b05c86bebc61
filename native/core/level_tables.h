#pragma once
#include "geometry.h"

namespace vedette {

// What a grey level becomes in one channel of a tensor.
struct LevelTable {
  // The normalised value: level * factor + offset, in float32.
  float factor = 1;
  float offset = 0;
  // All 256 of them as float16 or as quantised bytes, made only for a dtype that needs them.
  uint16_t halves[256];
  uint8_t codes[256];
};

// The tables of a tensor's channels. Made again only when the specification asks for other ones.
class LevelTables {
 public:
  // `spec` has passed check_spec.
  void prepare(const TensorSpec& spec);

  const LevelTable& channel(int channel) const { return tables_[channel]; }

 private:
  struct Key {
    Dtype dtype = Dtype::float32;
    int channels = 0;
    double scale = 0;
    double mean[3] = {0, 0, 0};
    double std[3] = {0, 0, 0};
    bool is_quantised = false;
    Quantisation quantisation;

    bool operator==(const Key& other) const;
  };

  Key key_;
  LevelTable tables_[3];
};

// factor and offset of a channel, in float32.
void set_normalisation(const TensorSpec& spec, int channel, LevelTable* table);

// IEEE 754 binary16, rounded to nearest, ties to even; from 65520 on infinity.
uint16_t half_of(float value);

// ONNX QuantizeLinear: round_half_even(value / scale) + zero point, clamped to the dtype; the bits of
// an int8 for that dtype.
uint8_t quantised(float value, const Quantisation& quantisation, Dtype dtype);

}  // namespace vedette
