#include "row_kernels.h"

#include <atomic>
#include <cstring>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace vedette {
namespace {

// With the conversion to float16, which every processor with AVX2 has, but a virtual one may hide.
bool has_avx2() {
#if defined(__x86_64__)
  unsigned eax, ebx, ecx, edx;
  // Clang 14 does not know the name "f16c".
  const bool has_f16c = __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & bit_F16C) != 0;
  return has_f16c && __builtin_cpu_supports("avx2") != 0;
#else
  return false;
#endif
}

// VBMI's byte permutes are what makes these worth having: processors before Ice Lake and Zen 4 are
// served by AVX2.
bool has_avx512() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
         __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vl") != 0 &&
         __builtin_cpu_supports("avx512vbmi") != 0;
#else
  return false;
#endif
}

struct Available {
  const RowKernels* kernels[3] = {nullptr, nullptr, nullptr};
  int count = 0;

  Available() {
    kernels[count++] = scalar_row_kernels();
    if (has_avx2()) kernels[count++] = avx2_row_kernels();
    if (has_avx512()) kernels[count++] = avx512_row_kernels();
    if (neon_row_kernels() != nullptr) kernels[count++] = neon_row_kernels();
  }
};

const Available& available() {
  static const Available all;
  return all;
}

std::atomic<const RowKernels*> chosen{nullptr};

}  // namespace

const RowKernels& row_kernels() {
  const RowKernels* kernels = chosen.load(std::memory_order_acquire);
  if (kernels == nullptr) kernels = available().kernels[available().count - 1];
  return *kernels;
}

const RowKernels* available_row_kernels(int index) {
  return index >= 0 && index < available().count ? available().kernels[index] : nullptr;
}

Status choose_row_kernels(const char* name) {
  if (name == nullptr || name[0] == 0) {
    chosen.store(nullptr, std::memory_order_release);
    return {};
  }
  char names[64] = "";
  for (int i = 0; i < available().count; i++) {
    const RowKernels* kernels = available().kernels[i];
    if (std::strcmp(kernels->name, name) == 0) {
      chosen.store(kernels, std::memory_order_release);
      return {};
    }
    if (i > 0) std::strcat(names, ", ");
    std::strcat(names, kernels->name);
  }
  return fail(Code::internal, "this processor runs the kernels %s; VEDETTE_KERNEL asks for \"%s\"",
              names, name);
}

}  // namespace vedette
