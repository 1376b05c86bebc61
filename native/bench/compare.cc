#include "compare.h"

#include <algorithm>
#include <cmath>

namespace vedette::bench {

namespace {

// Two whole grey levels of rounding, one for the colours and one for the resize.
constexpr double kMostLevelsApart = 2.5;

double median(std::vector<double> times) {
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

std::vector<float> tensor_of(const Contender& contender) {
  contender.run();
  if (!contender.output) return {};
  const Output output = contender.output();
  return std::vector<float>(output.data, output.data + output.count);
}

double levels_apart(const std::vector<float>& a, const std::vector<float>& b) {
  double apart = 0;
  for (size_t i = 0; i < std::min(a.size(), b.size()); i++) {
    apart = std::max(apart, std::fabs(static_cast<double>(a[i]) - b[i]) * 255);
  }
  return apart;
}

void compare_work(const std::vector<const Contender*>& contenders, int rounds) {
  std::vector<std::vector<double>> times(contenders.size());
  std::vector<float> first;
  double apart = 0;
  for (const Contender* const contender : contenders) {
    const std::vector<float> tensor = tensor_of(*contender);
    if (first.empty()) first = tensor;
    if (!tensor.empty()) apart = std::max(apart, levels_apart(first, tensor));
  }
  if (apart > kMostLevelsApart) {
    std::fprintf(stderr, "%s: %.1f levels apart: not the same work\n", contenders[0]->work.c_str(),
                 apart);
    std::exit(1);
  }
  // One call of each in every round, so that a slow moment hits all alike.
  for (int round = -2; round < rounds; round++) {
    for (size_t i = 0; i < contenders.size(); i++) {
      const double start = thread_ms();
      contenders[i]->run();
      if (round >= 0) times[i].push_back(thread_ms() - start);
    }
  }
  std::printf("%s (at most %.1f levels apart)\n", contenders[0]->work.c_str(), apart);
  const double peer = median(times[0]);
  for (size_t i = 0; i < contenders.size(); i++) {
    const double ours = median(times[i]);
    std::printf("  %-24s %8.3f ms   %6.2fx\n", contenders[i]->name.c_str(), ours, peer / ours);
  }
}

}  // namespace

void compare(const std::vector<Contender>& contenders, int rounds) {
  std::vector<std::string> works;
  for (const Contender& contender : contenders) {
    if (std::find(works.begin(), works.end(), contender.work) == works.end()) {
      works.push_back(contender.work);
    }
  }
  for (const std::string& work : works) {
    std::vector<const Contender*> same;
    for (const Contender& contender : contenders) {
      if (contender.work == work) same.push_back(&contender);
    }
    compare_work(same, rounds);
  }
}

}  // namespace vedette::bench
