"""What `reseen doctor` looks at; every check returns findings."""
