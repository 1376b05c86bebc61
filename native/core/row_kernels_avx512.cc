#include "gather_tables.h"

#if defined(__x86_64__)
#include <algorithm>
#include <cstring>
#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi"))), apply_to = function)
#else
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi")
// GCC 12 takes the "undefined" operand of its own intrinsics for a mistake (GCC bug 105593).
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include "row_loops.h"

namespace vedette {
namespace {

struct Lanes {
  using Vector = __m512i;
  static constexpr int kCount = 32;

  static Vector all(int value) { return _mm512_set1_epi16(static_cast<int16_t>(value)); }
  static Vector load(const int16_t* from) { return _mm512_loadu_si512(from); }
  static void store(int16_t* to, Vector v) { _mm512_storeu_si512(to, v); }
  // Two bytes for each lane, and one.
  static Vector load_pairs(const uint8_t* from) { return _mm512_loadu_si512(from); }
  static Vector load_bytes(const uint8_t* from) {
    return _mm512_cvtepu8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
  }
  // Lanes of both in turns.
  static void store_pairs(int16_t* to, Vector left, Vector right) {
    const Vector low = _mm512_unpacklo_epi16(left, right);
    const Vector high = _mm512_unpackhi_epi16(left, right);
    const Vector first = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
    const Vector second = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
    store(to, _mm512_permutex2var_epi64(low, first, high));
    store(to + kCount, _mm512_permutex2var_epi64(low, second, high));
  }
  static Vector add(Vector a, Vector b) { return _mm512_add_epi16(a, b); }
  static Vector add_saturated(Vector a, Vector b) { return _mm512_adds_epi16(a, b); }
  static Vector subtract(Vector a, Vector b) { return _mm512_sub_epi16(a, b); }
  static Vector min(Vector a, Vector b) { return _mm512_min_epi16(a, b); }
  static Vector max(Vector a, Vector b) { return _mm512_max_epi16(a, b); }
  static Vector bit_and(Vector a, Vector b) { return _mm512_and_si512(a, b); }
  static Vector bit_xor(Vector a, Vector b) { return _mm512_xor_si512(a, b); }
  static Vector rounded_product(Vector a, Vector b) { return _mm512_mulhrs_epi16(a, b); }
  template <int Bits>
  static Vector shift_left(Vector v) {
    return _mm512_slli_epi16(v, Bits);
  }
  // Zeros come in.
  template <int Bits>
  static Vector shift_right(Vector v) {
    return _mm512_srli_epi16(v, Bits);
  }

  static Vector all_32(int value) { return _mm512_set1_epi32(value); }
  static Vector add_32(Vector a, Vector b) { return _mm512_add_epi32(a, b); }
  template <int Bits>
  static Vector shift_right_32(Vector v) {
    return _mm512_srli_epi32(v, Bits);
  }
  // a * b of each two neighbours, added up.
  static Vector multiply_pairs(Vector a, Vector b) { return _mm512_madd_epi16(a, b); }
  // Lanes of 32 bits, cut to 16.
  static void store_half(int16_t* to, Vector v) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_cvtepi32_epi16(v));
  }

  static Vector gather(const GatherComponent& component, const uint8_t* row, int step) {
    const uint8_t* from = row + component.start[step];
    const uint8_t* const table =
        component.masks +
        static_cast<size_t>(step) * static_cast<size_t>(64 + component.pieces * 8);
    const Vector positions = _mm512_loadu_si512(table);
    Vector result = piece(from, positions, table + 64);
    for (int i = 1; i < component.pieces; i++) {
      result = _mm512_or_si512(result, piece(from + i * 128, positions, table + 64 + i * 8));
    }
    return result;
  }

  static void store_bytes(uint8_t* to, Vector levels) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_cvtepi16_epi8(levels));
  }

  class Normalise {
   public:
    Normalise(float factor, float offset)
        : factor_(_mm512_set1_ps(factor)), offset_(_mm512_set1_ps(offset)) {}

    void operator()(float* to, Vector levels) const {
      store_half(to, _mm512_castsi512_si256(levels));
      store_half(to + 16, _mm512_extracti64x4_epi64(levels, 1));
    }

   private:
    void store_half(float* to, __m256i levels) const {
      const __m512 level = _mm512_cvtepi32_ps(_mm512_cvtepu16_epi32(levels));
      _mm512_storeu_ps(to, _mm512_add_ps(_mm512_mul_ps(level, factor_), offset_));
    }

    __m512 factor_;
    __m512 offset_;
  };

 private:
  static Vector piece(const uint8_t* from, Vector positions, const uint8_t* mask) {
    uint64_t chosen;
    std::memcpy(&chosen, mask, sizeof chosen);
    return _mm512_maskz_permutex2var_epi8(chosen, _mm512_loadu_si512(from), positions,
                                          _mm512_loadu_si512(from + 64));
  }
};

void halve_row_16(const LevelTable& table, const uint8_t* levels, int step, int count,
                  uint16_t* out) {
  int i = 0;
  const __m512 factor = _mm512_set1_ps(table.factor);
  const __m512 offset = _mm512_set1_ps(table.offset);
  for (; step == 1 && i + 16 <= count; i += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(levels + i));
    const __m512 level = _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes));
    const __m512 value = _mm512_add_ps(_mm512_mul_ps(level, factor), offset);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i),
                        _mm512_cvtps_ph(value, _MM_FROUND_TO_NEAREST_INT));
  }
  halve_row(table, levels + i * step, step, count - i, out + i);
}

void encode_row_64(const LevelTable& table, int count, uint8_t* row) {
  const __m512i codes[4] = {_mm512_loadu_si512(table.codes), _mm512_loadu_si512(table.codes + 64),
                            _mm512_loadu_si512(table.codes + 128),
                            _mm512_loadu_si512(table.codes + 192)};
  int i = 0;
  for (; i + 64 <= count; i += 64) {
    const __m512i levels = _mm512_loadu_si512(row + i);
    const __m512i low = _mm512_permutex2var_epi8(codes[0], levels, codes[1]);
    const __m512i high = _mm512_permutex2var_epi8(codes[2], levels, codes[3]);
    _mm512_storeu_si512(row + i, _mm512_mask_blend_epi8(_mm512_movepi8_mask(levels), low, high));
  }
  encode_row(table, count - i, row + i);
}

// Five pixels at a time: their fifteen samples by each one's weight.
void filter_rgb_wide(const uint8_t* row, int, const FilterRow& filter, int count, uint8_t* out) {
  const Lanes::Vector spread = _mm512_setr_epi32(0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5);
  // Lane 15 is always 0.
  const Lanes::Vector third =
      _mm512_setr_epi32(6, 7, 8, 9, 10, 11, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15);
  const Lanes::Vector fifth =
      _mm512_setr_epi32(12, 13, 14, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15);
  const Lanes::Vector second =
      _mm512_setr_epi32(3, 4, 5, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15);
  const __m128i half = _mm_set1_epi32(1 << (filter.bits - 1));
  const __m128i bits = _mm_cvtsi32_si128(filter.bits);
  for (int x = 0; x < count; x++) {
    const int32_t* const weights = filter.weights + static_cast<size_t>(x) * filter.widest;
    const uint8_t* const from = row + static_cast<size_t>(filter.start[x]) * 3;
    Lanes::Vector sums = _mm512_setzero_si512();
    for (int i = 0; i < filter.length[x]; i += 5) {
      const unsigned left = static_cast<unsigned>(std::min(5, filter.length[x] - i));
      const __m128i bytes =
          _mm_maskz_loadu_epi8(static_cast<__mmask16>((1u << 3 * left) - 1), from + i * 3);
      const __m256i own =
          _mm256_maskz_loadu_epi32(static_cast<__mmask8>((1u << left) - 1), weights + i);
      const Lanes::Vector weight = _mm512_permutexvar_epi32(spread, _mm512_zextsi256_si512(own));
      sums = Lanes::add_32(sums, _mm512_mullo_epi32(_mm512_cvtepu8_epi32(bytes), weight));
    }
    const Lanes::Vector six =
        Lanes::add_32(Lanes::add_32(sums, _mm512_permutexvar_epi32(third, sums)),
                      _mm512_permutexvar_epi32(fifth, sums));
    const __m128i sum =
        _mm512_castsi512_si128(Lanes::add_32(six, _mm512_permutexvar_epi32(second, six)));
    const __m128i levels = _mm_sra_epi32(_mm_add_epi32(sum, half), bits);
    const __m128i words = _mm_packs_epi32(levels, levels);
    const int pixel = _mm_cvtsi128_si32(_mm_packus_epi16(words, words));
    std::memcpy(out + x * 3, &pixel, 3);
  }
}

}  // namespace
}  // namespace vedette

#include "fused_rows.h"

namespace vedette {

const RowKernels* avx512_row_kernels() {
  static const FusedKernels fused = fused_kernels(FusedKernels::Reach::permute_128);
  static const RowKernels kernels = [] {
    RowKernels all = plain_row_kernels("avx512");
    all.halve_row = halve_row_16;
    all.encode_row = encode_row_64;
    all.fused = &fused;
    all.filter_columns[1] = filter_rgb_wide;
    return all;
  }();
  return &kernels;
}

}  // namespace vedette

#if defined(__clang__)
#pragma clang attribute pop
#endif
#else

namespace vedette {

const RowKernels* avx512_row_kernels() { return nullptr; }

}  // namespace vedette
#endif
