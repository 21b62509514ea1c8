#include "group-norm.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "vectors.h"

namespace {

/** The sum of f over the pixels, for the first `count` channels from x on. */
template <typename F>
inline Vec overPixels(const float* x, const GroupNormShape& shape, int64_t count, F f) {
  // Four sums at a time, as an addition takes several cycles.
  Vec sums[4] = {};
  int64_t p = 0;
  for (; p + 4 <= shape.pixels; p += 4) {
    for (int k = 0; k < 4; k++) sums[k] += f(loadPart(x + (p + k) * shape.channels, count));
  }
  for (; p < shape.pixels; p++) sums[0] += f(loadPart(x + p * shape.channels, count));
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

/** Calls f(c, count) for each vector of channels. */
template <typename F>
inline void overChannels(int64_t channels, F f) {
  for (int64_t c = 0; c < channels; c += LANES) f(c, std::min<int64_t>(LANES, channels - c));
}

/** Tables of one image, [channels and room for a vector]. */
struct Tables {
  explicit Tables(int64_t channels) : center(channels + LANES), factor(channels + LANES), offset(channels + LANES) {}
  /** What is subtracted from a channel of x: the mean of its group, less what is added to the channel. */
  std::vector<float> center;
  /** y = f(x * factor + offset); before that, sums of squares. */
  std::vector<float> factor;
  std::vector<float> offset;
};

void findCenters(const GroupNormShape& shape, const float* x, const float* added, Tables& tables) {
  overChannels(shape.channels, [&](int64_t c, int64_t count) {
    const Vec sum = overPixels(x + c, shape, count, [](Vec v) { return v; });
    store(&tables.center[c], sum / float(shape.pixels));
  });
  const int64_t width = shape.channels / shape.groups;
  for (int64_t first = 0; first < shape.channels; first += width) {
    double sum = 0;
    for (int64_t c = first; c < first + width; c++) sum += double(tables.center[c]) + (added ? added[c] : 0);
    for (int64_t c = first; c < first + width; c++) tables.center[c] = float(sum / width - (added ? added[c] : 0));
  }
}

/** Squares are taken from the mean: E[x²] - E[x]² has no digits left where |mean| >> std. */
void sumSquares(const GroupNormShape& shape, const float* x, Tables& tables) {
  overChannels(shape.channels, [&](int64_t c, int64_t count) {
    const Vec center = load(&tables.center[c]);
    const Vec sum = overPixels(x + c, shape, count, [center](Vec v) { return (v - center) * (v - center); });
    store(&tables.factor[c], sum);
  });
}

void findFactors(const GroupNormShape& shape, const float* gamma, const float* beta, const float* scale,
                 const float* shift, float epsilon, Tables& tables) {
  const int64_t width = shape.channels / shape.groups;
  for (int64_t first = 0; first < shape.channels; first += width) {
    double sum = 0;
    for (int64_t c = first; c < first + width; c++) sum += tables.factor[c];
    const float r = float(1 / std::sqrt(sum / (double(width) * shape.pixels) + epsilon));
    for (int64_t c = first; c < first + width; c++) {
      const float slope = r * gamma[c];
      const float offset = beta[c] - tables.center[c] * slope;
      tables.factor[c] = scale ? slope * scale[c] : slope;
      tables.offset[c] = (scale ? offset * scale[c] : offset) + (shift ? shift[c] : 0);
    }
  }
}

template <bool IS_SILU>
void apply(const GroupNormShape& shape, const float* x, const Tables& tables, float* y) {
  for (int64_t p = 0; p < shape.pixels; p++) {
    overChannels(shape.channels, [&](int64_t c, int64_t count) {
      const int64_t at = p * shape.channels + c;
      const Vec v = loadPart(x + at, count) * load(&tables.factor[c]) + load(&tables.offset[c]);
      storePart(y + at, IS_SILU ? silu(v) : v, count);
    });
  }
}

}  // namespace

void groupNorm(const GroupNormShape& shape, const float* x, const float* gamma, const float* beta,
               const Surroundings& around, float epsilon, bool isSilu, float* y) {
  Tables tables(shape.channels);
  for (int64_t i = 0; i < shape.images; i++) {
    const auto ofImage = [&](const float* table) { return table ? table + i * shape.channels : nullptr; };
    const int64_t at = i * shape.pixels * shape.channels;
    findCenters(shape, x + at, ofImage(around.added), tables);
    sumSquares(shape, x + at, tables);
    findFactors(shape, gamma, beta, ofImage(around.scale), ofImage(around.shift), epsilon, tables);
    if (isSilu) {
      apply<true>(shape, x + at, tables, y + at);
    } else {
      apply<false>(shape, x + at, tables, y + at);
    }
  }
}
