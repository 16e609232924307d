"""The store that is a tree of directories (docs/rules.md, Erasing)."""
