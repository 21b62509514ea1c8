/**
 * The matrices of Toom and Cook for tiles of 4 × 4 pixels: polynomials are multiplied by their values at points, of which the
 * highest coefficient stands for the one at ∞; what computes a product computes a correlation when it is transposed.
 *
 * With the points 0, ±3/4, ±3/2 and ∞ they add about 1e-6 of relative error, where the sum itself has 2e-7; with the usual
 * 0, ±1, ±2 and ∞ it would be 2e-6.
 *
 * Each function works on one axis: values `step` vectors apart become others that are `to` vectors apart.
 */
#pragma once
#include "vectors.h"

/** Pixels of a tile on each side, of its result and of what that is made of. */
constexpr int TILE = 4;
constexpr int REACH = TILE + 2;
constexpr int PLACES = REACH * REACH;

namespace points {
constexpr float A = 0.75f, B = 1.5f;
constexpr float A2 = A * A, B2 = B * B, A3 = A2 * A, B3 = B2 * B;

/** 1 over the product of the distances to the other points. */
constexpr float scaleOf(float point) {
  float product = 1;
  for (const float other : {0.0f, A, -A, B, -B}) {
    if (other != point) product *= point - other;
  }
  return 1 / product;
}
}  // namespace points

/** 6 pixels -> 6 places. */
inline void toTile(const Vec* d, int step, Vec* t, int to) {
  using namespace points;
  const Vec d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step], d5 = d[5 * step];
  const Vec evenA = d4 - B2 * d2, oddA = A * (d3 - B2 * d1);
  const Vec evenB = d4 - A2 * d2, oddB = B * (d3 - A2 * d1);
  t[0] = (A2 * B2) * d0 - (A2 + B2) * d2 + d4;
  t[to] = evenA + oddA;
  t[2 * to] = evenA - oddA;
  t[3 * to] = evenB + oddB;
  t[4 * to] = evenB - oddB;
  t[5 * to] = (A2 * B2) * d1 - (A2 + B2) * d3 + d5;
}

/** 3 taps -> 6 places. */
inline void toFilter(const Vec* w, int step, Vec* g, int to) {
  using namespace points;
  const Vec w0 = w[0], w1 = w[step], w2 = w[2 * step];
  const Vec evenA = scaleOf(A) * (w0 + A2 * w2), oddA = (scaleOf(A) * A) * w1;
  const Vec evenB = scaleOf(B) * (w0 + B2 * w2), oddB = (scaleOf(B) * B) * w1;
  g[0] = scaleOf(0) * w0;
  g[to] = evenA + oddA;
  g[2 * to] = evenA - oddA;
  g[3 * to] = evenB + oddB;
  g[4 * to] = evenB - oddB;
  g[5 * to] = w2;
}

/** 6 places -> 4 pixels. */
inline void toResult(const Vec* m, int step, Vec* y, int to) {
  using namespace points;
  const Vec sumA = m[step] + m[2 * step], differenceA = m[step] - m[2 * step];
  const Vec sumB = m[3 * step] + m[4 * step], differenceB = m[3 * step] - m[4 * step];
  y[0] = m[0] + sumA + sumB;
  y[to] = A * differenceA + B * differenceB;
  y[2 * to] = A2 * sumA + B2 * sumB;
  y[3 * to] = A3 * differenceA + B3 * differenceB + m[5 * step];
}
