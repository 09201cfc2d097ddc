// The functions of one number, for whatever evaluates them besides the interpreter (tables of the
// integer network, fast float execution).
#ifndef TF2_INTERP_UNARY_H_
#define TF2_INTERP_UNARY_H_

#include "ir/functions.h"

namespace tf2::interp {

// `fn` of x with its parameters, in double; NaN where it is undefined. Functions of integers only
// and those that give a truth value have none: CHECKs.
using UnaryFunction = double (*)(double x, double alpha, double beta);
UnaryFunction FunctionOf(ir::UnaryFn fn);

}  // namespace tf2::interp

#endif  // TF2_INTERP_UNARY_H_
