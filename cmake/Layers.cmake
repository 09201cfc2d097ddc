# Which folder of src/ may include which: the single statement of the layering in the design.
# Each entry is FOLDER followed by the folders it names; what those name is allowed too.
# `tf2_library` refuses a dependency that is not listed here and tools/check_layers.py checks every #include.
set(TF2_LAYERS
  "base:"
  "numerics:base"
  "dataset:base"
  "qnet:numerics"
  "ir:base"
  "interp:ir"
  "floatexec:interp"
  "onnxproto:"
  "import/onnx:ir,onnxproto"
  "import/caffe:ir"
  "passes:interp"
  "quantize:passes,floatexec,dataset,qnet"
  "arch:numerics"
  "program:arch,qnet"
  "cost:program"
  "sched:cost"
  "codegen/rtl:program"
  "build:codegen/rtl"
  "runtime:program,dataset"
  "runtime/backends/reference:runtime"
  "runtime/backends/cpu:runtime"
  "runtime/backends/verilator:runtime"
  "verify:quantize,sched,runtime"
  "cli:*"
)
