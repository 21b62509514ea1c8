/** Hands the kernels to TensorFlow through its C interface, once Node loads this library. */
#define IS_SLIM_BUILD  // leaves out headers that the libraries come without
#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"

#include <array>
#include <initializer_list>
#include <memory>
#include <string>

#include "group-norm.h"
#include "winograd.h"

namespace {

class Status {
 public:
  Status() : value_(TF_NewStatus()) {}
  ~Status() { TF_DeleteStatus(value_); }
  Status(const Status&) = delete;
  operator TF_Status*() const { return value_; }
  bool isOk() const { return TF_GetCode(value_) == TF_OK; }
  const char* message() const { return TF_Message(value_); }
  void refuse(const std::string& message) { TF_SetStatus(value_, TF_INVALID_ARGUMENT, message.c_str()); }

 private:
  TF_Status* value_;
};

/** A tensor of float32. */
class Tensor {
 public:
  explicit Tensor(TF_Tensor* tensor) : tensor_(tensor) {}
  Tensor(Tensor&& other) : tensor_(other.tensor_) { other.tensor_ = nullptr; }
  ~Tensor() {
    if (tensor_ != nullptr) TF_DeleteTensor(tensor_);
  }
  int rank() const { return TF_NumDims(tensor_); }
  int64_t side(int axis) const { return TF_Dim(tensor_, axis); }
  int64_t count() const { return TF_TensorElementCount(tensor_); }
  float* values() const { return static_cast<float*>(TF_TensorData(tensor_)); }
  /** Null where it is empty, which stands for an input that is left out. */
  const float* valuesIfAny() const { return count() == 0 ? nullptr : values(); }

 private:
  TF_Tensor* tensor_;
};

using Sides = std::array<int64_t, 4>;

Tensor inputOf(TF_OpKernelContext* context, int index, const Status& status) {
  TF_Tensor* tensor = nullptr;
  TF_GetInput(context, index, &tensor, status);
  return Tensor(tensor);
}

Tensor outputOf(TF_OpKernelContext* context, const Sides& sides, const Status& status) {
  const size_t bytes = sides[0] * sides[1] * sides[2] * sides[3] * sizeof(float);
  return Tensor(TF_AllocateOutput(context, 0, TF_FLOAT, sides.data(), sides.size(), bytes, status));
}

/** Notes a misfit between the number of values that an input must have and has; one that is left out fits. */
void require(const char* op, const char* name, const Tensor& tensor, int64_t expected, bool isOptional, Status& status) {
  if (!status.isOk() || tensor.count() == expected || (isOptional && tensor.count() == 0)) return;
  status.refuse(std::string(op) + ": expected " + std::to_string(expected) + " values of " + name + ", found " +
                std::to_string(tensor.count()));
}

struct GroupNorm {
  int64_t groups = 1;
  float epsilon = 0;
  TF_Bool isSilu = 0;

  void read(TF_OpKernelConstruction* node, const Status& status) {
    TF_OpKernelConstruction_GetAttrInt64(node, "groups", &groups, status);
    if (status.isOk()) TF_OpKernelConstruction_GetAttrFloat(node, "epsilon", &epsilon, status);
    if (status.isOk()) TF_OpKernelConstruction_GetAttrBool(node, "silu", &isSilu, status);
  }

  void compute(TF_OpKernelContext* context, Status& status) const {
    const Tensor x = inputOf(context, 0, status), gamma = inputOf(context, 1, status), beta = inputOf(context, 2, status);
    const Tensor added = inputOf(context, 3, status), scale = inputOf(context, 4, status), shift = inputOf(context, 5, status);
    if (x.rank() != 4 || groups < 1 || x.side(3) % groups != 0) {
      return status.refuse("PagGroupNorm: expected images [batch, height, width, channels] whose channels the groups divide");
    }
    const Sides sides = {x.side(0), x.side(1), x.side(2), x.side(3)};
    require("PagGroupNorm", "gamma", gamma, sides[3], false, status);
    require("PagGroupNorm", "beta", beta, sides[3], false, status);
    require("PagGroupNorm", "added", added, sides[0] * sides[3], true, status);
    require("PagGroupNorm", "scale", scale, sides[0] * sides[3], true, status);
    require("PagGroupNorm", "shift", shift, sides[0] * sides[3], true, status);
    if (!status.isOk()) return;
    const Tensor y = outputOf(context, sides, status);
    if (!status.isOk()) return;
    groupNorm({sides[0], sides[1] * sides[2], sides[3], groups}, x.values(), gamma.values(), beta.values(),
              {added.valuesIfAny(), scale.valuesIfAny(), shift.valuesIfAny()}, epsilon, isSilu, y.values());
  }
};

struct Convolution {
  TF_Bool isRelu = 0;

  void read(TF_OpKernelConstruction* node, const Status& status) {
    TF_OpKernelConstruction_GetAttrBool(node, "relu", &isRelu, status);
  }

  void compute(TF_OpKernelContext* context, Status& status) const {
    const Tensor x = inputOf(context, 0, status), filter = inputOf(context, 1, status);
    const Tensor bias = inputOf(context, 2, status), added = inputOf(context, 3, status);
    if (x.rank() != 4 || filter.rank() != 4) {
      return status.refuse("PagConvolution: expected images [batch, height, width, inputs] and a filter [3, 3, inputs, outputs]");
    }
    const Sides sides = {x.side(0), x.side(1), x.side(2), filter.side(3)};
    require("PagConvolution", "filter", filter, 9 * x.side(3) * sides[3], false, status);
    require("PagConvolution", "bias", bias, sides[3], true, status);
    require("PagConvolution", "added", added, sides[0] * sides[1] * sides[2] * sides[3], true, status);
    if (!status.isOk()) return;
    const Tensor y = outputOf(context, sides, status);
    if (!status.isOk()) return;
    winograd({sides[0], sides[1], sides[2], x.side(3), sides[3]}, x.values(), filter.values(),
             {bias.valuesIfAny(), added.valuesIfAny(), isRelu != 0}, y.values());
  }
};

template <typename Kernel>
void* create(TF_OpKernelConstruction* node) {
  const Status status;
  auto kernel = std::make_unique<Kernel>();
  kernel->read(node, status);
  if (!status.isOk()) TF_OpKernelConstruction_Failure(node, status);
  return kernel.release();
}

template <typename Kernel>
void compute(void* kernel, TF_OpKernelContext* context) {
  Status status;
  try {
    static_cast<const Kernel*>(kernel)->compute(context, status);
  } catch (const std::bad_alloc&) {
    TF_SetStatus(status, TF_RESOURCE_EXHAUSTED, "no memory left for a kernel's tables");
  }
  if (!status.isOk()) TF_OpKernelContext_Failure(context, status);
}

template <typename Kernel>
void remove(void* kernel) {
  delete static_cast<Kernel*>(kernel);
}

void shapeOfX(TF_ShapeInferenceContext* context, TF_Status* status) {
  TF_ShapeHandle* shape = TF_NewShapeHandle();
  TF_ShapeInferenceContextGetInput(context, 0, shape, status);
  TF_ShapeInferenceContextSetOutput(context, 0, shape, status);
  TF_DeleteShapeHandle(shape);
}

/** Axes from `start` to `end` of an input. */
void part(TF_ShapeInferenceContext* context, int input, int64_t start, int64_t end, TF_ShapeHandle* result, TF_Status* status) {
  TF_ShapeInferenceContextGetInput(context, input, result, status);
  TF_ShapeInferenceContextSubshape(context, result, start, end, result, status);
}

void shapeOfConvolution(TF_ShapeInferenceContext* context, TF_Status* status) {
  TF_ShapeHandle *pixels = TF_NewShapeHandle(), *outputs = TF_NewShapeHandle();
  part(context, 0, 0, 3, pixels, status);
  part(context, 1, 3, 4, outputs, status);
  TF_ShapeInferenceContextConcatenateShapes(context, pixels, outputs, pixels, status);
  TF_ShapeInferenceContextSetOutput(context, 0, pixels, status);
  TF_DeleteShapeHandle(pixels);
  TF_DeleteShapeHandle(outputs);
}

using Names = std::initializer_list<const char*>;
using ShapeFunction = void (*)(TF_ShapeInferenceContext*, TF_Status*);

/** An op whose inputs and output are float32, and its kernel for the processor. */
template <typename Kernel>
void add(const char* op, const Names& inputs, const Names& attributes, ShapeFunction shape, const Status& status) {
  TF_OpDefinitionBuilder* definition = TF_NewOpDefinitionBuilder(op);
  for (const char* input : inputs) TF_OpDefinitionBuilderAddInput(definition, (std::string(input) + ": T").c_str());
  TF_OpDefinitionBuilderAddOutput(definition, "y: T");
  TF_OpDefinitionBuilderAddAttr(definition, "T: {float}");
  for (const char* attribute : attributes) TF_OpDefinitionBuilderAddAttr(definition, attribute);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(definition, shape);
  TF_RegisterOpDefinition(definition, status);
  if (!status.isOk()) return;
  TF_KernelBuilder* builder = TF_NewKernelBuilder(op, "CPU", create<Kernel>, compute<Kernel>, remove<Kernel>);
  TF_RegisterKernelBuilder(op, builder, status);
}

}  // namespace

extern "C" {

/** What Node calls (Node-API): whatever went wrong is found out by whoever runs an op that is not there. */
void* napi_register_module_v1(void* /* environment */, void* exports) {
  const Status status;
  add<GroupNorm>("PagGroupNorm", {"x", "gamma", "beta", "added", "scale", "shift"},
                 {"groups: int", "epsilon: float", "silu: bool"}, shapeOfX, status);
  if (status.isOk()) {
    add<Convolution>("PagConvolution", {"x", "filter", "bias", "added"}, {"relu: bool"}, shapeOfConvolution, status);
  }
  return exports;
}
}
