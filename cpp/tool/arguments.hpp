// What the command line asks for.
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "reseen/embedder.hpp"

struct Arguments {
    std::filesystem::path bundle;
    reseen::Options options;
    std::optional<std::filesystem::path> output;
    std::vector<std::filesystem::path> images;
    bool help = false;
};

extern const char usage[];

/// Throws reseen::UsageError: an unknown option, one without a value, or one that is missing.
Arguments parse_arguments(const std::vector<std::string>& words);
