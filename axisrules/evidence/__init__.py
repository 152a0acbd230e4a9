"""A plan joined with the program that XLA compiled from it: what each rule really costs."""
