// Where features go: a file, or the terminal.
#pragma once

#include <filesystem>
#include <iosfwd>

#include "reseen/embedder.hpp"

/// Throws reseen::UsageError: an ending that is neither .npy nor .csv, or no such folder.
void check_output(const std::filesystem::path& file);

/// Write features and names, each file whole or not at all. Throws reseen::StorageError.
void save(const std::filesystem::path& file, const reseen::Embedded& embedded, int feature_size);

/// A line for each image: its name, and the first and last number of its feature.
void print(std::ostream& out, const reseen::Embedded& embedded, int feature_size);
