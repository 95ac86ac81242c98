"""What is wrong with a model or its data, as values; how it is said; what each code means."""
