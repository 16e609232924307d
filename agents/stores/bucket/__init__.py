"""The store that is an S3 bucket, or what of one has a prefix (docs/rules.md, Erasing)."""
