"""What each figure means: its numerator, its denominator, its words. Pure; what is counted is read in data/queries."""
