"""The daemon on a parcel terminal."""
