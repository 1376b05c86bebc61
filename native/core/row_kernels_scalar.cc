#include "row_loops.h"

namespace vedette {

const RowKernels* scalar_row_kernels() {
  static const RowKernels kernels = plain_row_kernels("scalar");
  return &kernels;
}

}  // namespace vedette
