/** Vectors of float32 as wide as the processor has them, in terms of the compiler, so that one source serves all of them. */
#pragma once
#include <cstdint>
#include <cstring>

#if defined(__AVX512F__)
constexpr int LANES = 16;
#elif defined(__AVX__)
constexpr int LANES = 8;
#else
constexpr int LANES = 4;
#endif

typedef float Vec __attribute__((vector_size(LANES * sizeof(float))));
typedef int32_t IntVec __attribute__((vector_size(LANES * sizeof(int32_t))));
/** The same at any place of memory. */
typedef float LooseVec __attribute__((vector_size(LANES * sizeof(float)), aligned(4), may_alias));

inline Vec load(const float* from) { return *reinterpret_cast<const LooseVec*>(from); }
inline void store(float* to, Vec v) { *reinterpret_cast<LooseVec*>(to) = v; }
inline Vec all(float value) { return value - Vec{}; }

/** The first `count` lanes from memory, zeros behind them. */
inline Vec loadPart(const float* from, int64_t count) {
  if (count >= LANES) return load(from);
  Vec v = {};
  std::memcpy(&v, from, count * sizeof(float));
  return v;
}

/** The first `count` lanes to memory. */
inline void storePart(float* to, Vec v, int64_t count) {
  if (count >= LANES) {
    store(to, v);
  } else {
    std::memcpy(to, &v, count * sizeof(float));
  }
}

/**
 * e^x to about 1e-7 of its value, held between e^-87 and e^88: 2^n e^r with |r| <= ln 2 / 2, and the Taylor polynomial of
 * degree 7. NaN stays NaN.
 */
inline Vec exponential(Vec x) {
  const Vec low = all(-87.0f), high = all(88.0f);
  x = x < low ? low : x;
  x = x > high ? high : x;
  // Beyond 1.5 * 2^23 a float32 has no digits behind the point.
  const Vec rounder = all(12582912.0f);
  const Vec n = (x * 1.44269504f + rounder) - rounder;
  // ln 2 in two parts, of which the first has few digits, so that its product with n is exact.
  const Vec r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  Vec p = all(1.0f / 5040);
  p = p * r + 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  const IntVec exponent = (__builtin_convertvector(n, IntVec) + 127) << 23;
  return p * (Vec)exponent;
}

/** x * sigmoid(x). */
inline Vec silu(Vec x) { return x / (1.0f + exponential(-x)); }
