"""What `reseen doctor` looks at: each file checks one thing, and every check returns findings."""
