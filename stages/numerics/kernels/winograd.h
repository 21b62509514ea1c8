/** Convolutions with 3 × 3 taps by Winograd's minimal filtering, F(4 × 4, 3 × 3) (Lavin and Gray 2016). */
#pragma once
#include <cstdint>

struct ConvolutionShape {
  int64_t images, height, width, inputs, outputs;
};

/** What is done to each result; null where there is nothing. */
struct Ending {
  /** [outputs] */
  const float* bias;
  /** [images, height, width, outputs] */
  const float* added;
  bool isRelu;
};

/**
 * y = f(conv(x, filter) + bias + added) with stride 1 and a border of zeros, f being ReLU or nothing. A pixel's result does
 * not depend on what else is computed beside it.
 *
 * @param x [images, height, width, inputs]
 * @param filter [3, 3, inputs, outputs]
 * @param y [images, height, width, outputs]
 */
void winograd(const ConvolutionShape& shape, const float* x, const float* filter, const Ending& ending, float* y);
