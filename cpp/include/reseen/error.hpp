// Every error that this library throws on purpose.
#pragma once

#include <stdexcept>
#include <string>

namespace reseen {

/// What an error says: what went wrong, what would have been right, what was found instead, what the user can do.
struct Fault {
    std::string what, expected, got, cure;
};

/// Base of all errors of this library; `what()` has the four lines of its fault.
class Error : public std::runtime_error {
  public:
    explicit Error(Fault fault);
    const Fault& fault() const noexcept { return fault_; }

  private:
    Fault fault_;
};

/// Arguments or paths that cannot be used.
class UsageError : public Error {
    using Error::Error;
};

/// A bundle that is missing, damaged, or was not made for what is asked of it.
class BundleError : public UsageError {
    using UsageError::UsageError;
};

/// An image that cannot be read, or that is over the limits.
class ImageError : public Error {
    using Error::Error;
};

/// A model that cannot be loaded or run.
class EngineError : public Error {
    using Error::Error;
};

/// A file that cannot be written.
class StorageError : public Error {
    using Error::Error;
};

}  // namespace reseen
