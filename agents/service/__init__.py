"""What every agent is as a service, on a terminal or on a storage: credential, settings, log."""
