"""The product's main job on real files, on this machine: `make run`."""
