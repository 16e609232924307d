"""What leaves the house: packages that install without a network, on Debian 12 and its like."""
