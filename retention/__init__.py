"""The words and the rules. Pure: no input or output, no clock, no logging; everyone may import it."""
