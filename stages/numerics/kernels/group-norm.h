/** Group normalization for inference (Wu and He 2018), with what stands around it in score networks, image by image. */
#pragma once
#include <cstdint>

struct GroupNormShape {
  int64_t images, pixels, channels;
  /** Divides the channels; those of a group are neighbours. */
  int64_t groups;
};

/** What stands around the norm, [images, channels] each; null where there is nothing. */
struct Surroundings {
  const float* added;
  const float* scale;
  const float* shift;
};

/**
 * y = f(groupNorm(x + added) * scale + shift), f being SiLU or nothing. An image's result depends on that image alone.
 *
 * @param x [images, pixels, channels]
 * @param gamma [channels]
 * @param beta [channels]
 * @param epsilon added to the biased variance
 * @param y as x, another place
 */
void groupNorm(const GroupNormShape& shape, const float* x, const float* gamma, const float* beta,
               const Surroundings& around, float epsilon, bool isSilu, float* y);
