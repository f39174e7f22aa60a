"""What is observed: a table of libraries, one file for each, and one door through which they tell what happens."""
