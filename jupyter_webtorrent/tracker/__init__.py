"""The embedded tracker: introduces the peers of a class to each other, with no internet needed."""
