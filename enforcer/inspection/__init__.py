"""What inspectors and auditors are given, so that they can check it themselves."""
