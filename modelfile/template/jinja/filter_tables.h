// The two halves of the filter table.
#pragma once

#include <map>
#include <string_view>

#include "modelfile/template/jinja/interpreter.h"

namespace hearth::modelfile::jinja {

using FilterTable = std::map<std::string_view, FilterFunction>;

const FilterTable& text_filters();
const FilterTable& sequence_filters();

}  // namespace hearth::modelfile::jinja
