"""The commands of `%wt`, each a function that takes its parsed options and prints."""
