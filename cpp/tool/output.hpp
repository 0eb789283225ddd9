// Where features go: a file, or the terminal.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>

#include "reseen/embedder.hpp"

/// The text with bytes that a terminal would obey, such as escape, written out; names may hold anything. Lines stay.
std::string visible(const std::string& text);

/// Throws reseen::UsageError: an ending that is neither .npy nor .csv, no such folder, or something else than a file.
void check_output(const std::filesystem::path& file);

/// Write features and names, each file whole or not at all. Throws reseen::StorageError.
void save(const std::filesystem::path& file, const reseen::Embedded& embedded, int feature_size);

/// A line for each image: its name, and the first and last number of its feature.
void print(std::ostream& out, const reseen::Embedded& embedded, int feature_size);
