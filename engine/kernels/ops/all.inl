// The body of a kernel table: included once per instruction set, after its vocabulary, in an
// anonymous namespace.
#pragma once

#include "engine/kernels/ops/panel.inl"

#include "engine/kernels/formats/floats.inl"
#include "engine/kernels/formats/q4_0.inl"
#include "engine/kernels/formats/q4_k.inl"
#include "engine/kernels/formats/q5_k.inl"
#include "engine/kernels/formats/q6_k.inl"
#include "engine/kernels/formats/q8_0.inl"

#include "engine/kernels/ops/attention.inl"
#include "engine/kernels/ops/elementwise.inl"
#include "engine/kernels/ops/linear_blocks.inl"
#include "engine/kernels/ops/linear_float.inl"
#include "engine/kernels/ops/math.inl"
#include "engine/kernels/ops/quantize.inl"
#include "engine/kernels/ops/table.inl"
