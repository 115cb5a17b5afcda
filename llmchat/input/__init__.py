"""What the user gives: lines, files, keys."""
