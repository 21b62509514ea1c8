#include "winograd.h"

#include <algorithm>
#include <cstdlib>
#include <new>

#include "winograd-transforms.h"

namespace {

/** Tiles and vectors of outputs that are multiplied at a time: as many sums as there are registers for. */
#if defined(__AVX512F__)
constexpr int ROWS = 12, COLUMNS = 2;
#elif defined(__AVX__)
constexpr int ROWS = 6, COLUMNS = 2;
#else
constexpr int ROWS = 6, COLUMNS = 4;
#endif
/** Outputs at a time. */
constexpr int64_t PANEL = COLUMNS * LANES;
/** Of the tiles that go through all steps before the next ones: about what the second cache holds. */
constexpr int64_t BLOCK_BYTES = 1 << 20;
/** Between planes of a table: without it, they could lie so that all compete for the same lines of the cache. */
constexpr int64_t GAP = 16;

/** Room for a table, which a thread keeps for its next convolution: fresh memory costs as much time as its use. */
class Room {
 public:
  ~Room() { std::free(memory_); }
  float* atLeast(int64_t count) {
    if (count <= count_) return memory_;
    std::free(memory_);
    memory_ = nullptr;
    count_ = 0;
    void* memory = nullptr;
    if (posix_memalign(&memory, 64, count * sizeof(float)) != 0) throw std::bad_alloc();
    memory_ = static_cast<float*>(memory);
    count_ = count;
    return memory_;
  }

 private:
  float* memory_ = nullptr;
  int64_t count_ = 0;
};
thread_local Room filterRoom, changedRoom, productRoom;

constexpr int64_t roundUp(int64_t count, int64_t unit) { return (count + unit - 1) / unit * unit; }

/** One convolution, block of tiles by block. Tables have a plane for each of the 36 places of a tile. */
class Winograd {
 public:
  Winograd(const ConvolutionShape& shape, const Ending& ending)
      : shape_(shape),
        ending_(ending),
        down_(roundUp(shape.height, TILE) / TILE),
        across_(roundUp(shape.width, TILE) / TILE),
        tiles_(shape.images * down_ * across_),
        inputs_(roundUp(shape.inputs, LANES)),
        outputs_(roundUp(shape.outputs, PANEL)),
        block_(std::min(blockOf(inputs_ + outputs_), tiles_)),
        filterPlane_(shape.inputs * outputs_ + GAP),
        changedPlane_(block_ * inputs_ + GAP),
        productPlane_(block_ * outputs_ + GAP),
        filters_(filterRoom.atLeast(PLACES * filterPlane_)),
        changed_(changedRoom.atLeast(PLACES * changedPlane_)),
        products_(productRoom.atLeast(PLACES * productPlane_)) {}

  void run(const float* x, const float* filter, float* y) {
    changeFilter(filter);
    for (int64_t first = 0; first < tiles_; first += block_) {
      const int64_t count = std::min(block_, tiles_ - first);
      for (int64_t t = 0; t < count; t++) changeTile(x, first + t, t);
      for (int place = 0; place < PLACES; place++) multiplyPlace(place, count);
      for (int64_t t = 0; t < count; t++) finishTile(first + t, t, y);
    }
  }

 private:
  /** Where a tile's result begins. */
  struct Corner {
    int64_t image, row, column;
  };

  static int64_t blockOf(int64_t channels) {
    const int64_t fitting = BLOCK_BYTES / (PLACES * channels * int64_t(sizeof(float)));
    return std::max<int64_t>(fitting / ROWS, 4) * ROWS;
  }

  Corner cornerOf(int64_t tile) const {
    return {tile / (down_ * across_), tile / across_ % down_ * TILE, tile % across_ * TILE};
  }

  /** Into [36, outputs / PANEL, inputs, PANEL], with zeros behind the last output. */
  void changeFilter(const float* filter) {
    const auto [images, height, width, inputs, outputs] = shape_;
    for (int64_t c = 0; c < inputs; c++) {
      for (int64_t k = 0; k < outputs_; k += LANES) {
        Vec taps[9], half[18], places[PLACES];
        for (int tap = 0; tap < 9; tap++) {
          taps[tap] = k < outputs ? loadPart(filter + (tap * inputs + c) * outputs + k, outputs - k) : Vec{};
        }
        for (int column = 0; column < 3; column++) toFilter(taps + column, 3, half + column, 3);
        for (int row = 0; row < REACH; row++) toFilter(half + 3 * row, 1, places + REACH * row, 1);
        float* to = filters_ + (k / PANEL * inputs + c) * PANEL + k % PANEL;
        for (int place = 0; place < PLACES; place++) store(to + place * filterPlane_, places[place]);
      }
    }
  }

  /** Into row t of [36, block, inputs]. */
  void changeTile(const float* x, int64_t tile, int64_t t) {
    const auto [images, height, width, inputs, outputs] = shape_;
    const Corner corner = cornerOf(tile);
    const int64_t row = corner.row - 1, column = corner.column - 1;
    const auto isIn = [&, height = height, width = width](int i, int j) {
      return row + i >= 0 && row + i < height && column + j >= 0 && column + j < width;
    };
    const bool isInside = isIn(0, 0) && isIn(REACH - 1, REACH - 1);
    const float* from = x + ((corner.image * height + row) * width + column) * inputs;
    for (int64_t c = 0; c < inputs; c += LANES) {
      Vec pixels[PLACES], half[PLACES], places[PLACES];
      for (int i = 0; i < REACH; i++) {
        for (int j = 0; j < REACH; j++) {
          const float* pixel = from + (i * width + j) * inputs + c;
          pixels[i * REACH + j] = isInside || isIn(i, j) ? loadPart(pixel, inputs - c) : Vec{};
        }
      }
      for (int j = 0; j < REACH; j++) toTile(pixels + j, REACH, half + j, REACH);
      for (int i = 0; i < REACH; i++) toTile(half + i * REACH, 1, places + i * REACH, 1);
      float* to = changed_ + t * inputs_ + c;
      for (int place = 0; place < PLACES; place++) store(to + place * changedPlane_, places[place]);
    }
  }

  /** [count, inputs] × [inputs, outputs] at one place. */
  void multiplyPlace(int place, int64_t count) {
    for (int64_t k = 0; k < outputs_; k += PANEL) {
      const float* filters = filters_ + place * filterPlane_ + k * shape_.inputs;
      const float* changed = changed_ + place * changedPlane_;
      float* products = products_ + place * productPlane_ + k;
      int64_t t = 0;
      for (; t + ROWS <= count; t += ROWS) multiply<ROWS>(changed + t * inputs_, filters, products + t * outputs_);
      multiplyRest<ROWS - 1>(count - t, changed + t * inputs_, filters, products + t * outputs_);
    }
  }

  /** Sums over the inputs in their order, whatever the number of rows. */
  template <int N>
  void multiply(const float* changed, const float* filters, float* products) const {
    Vec sums[N][COLUMNS];
#pragma GCC unroll 16
    for (int r = 0; r < N; r++) {
#pragma GCC unroll 4
      for (int j = 0; j < COLUMNS; j++) sums[r][j] = Vec{};
    }
    for (int64_t c = 0; c < shape_.inputs; c++) {
      Vec factors[COLUMNS];
#pragma GCC unroll 4
      for (int j = 0; j < COLUMNS; j++) factors[j] = load(filters + c * PANEL + j * LANES);
#pragma GCC unroll 16
      for (int r = 0; r < N; r++) {
        const Vec value = all(changed[r * inputs_ + c]);
#pragma GCC unroll 4
        for (int j = 0; j < COLUMNS; j++) sums[r][j] += value * factors[j];
      }
    }
#pragma GCC unroll 16
    for (int r = 0; r < N; r++) {
#pragma GCC unroll 4
      for (int j = 0; j < COLUMNS; j++) store(products + r * outputs_ + j * LANES, sums[r][j]);
    }
  }

  template <int N>
  void multiplyRest(int64_t rows, const float* changed, const float* filters, float* products) const {
    if constexpr (N > 0) {
      if (rows == N) {
        multiply<N>(changed, filters, products);
      } else {
        multiplyRest<N - 1>(rows, changed, filters, products);
      }
    }
  }

  /** From row t of [36, block, outputs]. */
  void finishTile(int64_t tile, int64_t t, float* y) const {
    const auto [images, height, width, inputs, outputs] = shape_;
    const auto [image, row, column] = cornerOf(tile);
    const int64_t rows = std::min<int64_t>(TILE, height - row), columns = std::min<int64_t>(TILE, width - column);
    for (int64_t k = 0; k < outputs; k += LANES) {
      Vec places[PLACES], half[TILE * REACH];
      const float* from = products_ + t * outputs_ + k;
      for (int place = 0; place < PLACES; place++) places[place] = load(from + place * productPlane_);
      for (int j = 0; j < REACH; j++) toResult(places + j, REACH, half + j, REACH);
      const Vec bias = ending_.bias ? loadPart(ending_.bias + k, outputs - k) : Vec{};
      for (int64_t i = 0; i < rows; i++) {
        Vec results[TILE];
        toResult(half + i * REACH, 1, results, 1);
        for (int64_t j = 0; j < columns; j++) {
          const int64_t at = ((image * height + row + i) * width + column + j) * outputs + k;
          Vec result = results[j] + bias;
          if (ending_.added) result += loadPart(ending_.added + at, outputs - k);
          if (ending_.isRelu) result = result < 0.0f ? Vec{} : result;
          storePart(y + at, result, outputs - k);
        }
      }
    }
  }

  const ConvolutionShape shape_;
  const Ending ending_;
  /** Tiles of an image on each axis, and of all images. */
  const int64_t down_, across_, tiles_;
  /** Channels as they lie in the tables, with room for whole vectors. */
  const int64_t inputs_, outputs_;
  /** Tiles at a time. */
  const int64_t block_;
  /** Values from one place to the next. */
  const int64_t filterPlane_, changedPlane_, productPlane_;
  float *const filters_, *const changed_, *const products_;
};

}  // namespace

void winograd(const ConvolutionShape& shape, const float* x, const float* filter, const Ending& ending, float* y) {
  Winograd(shape, ending).run(x, filter, y);
}
