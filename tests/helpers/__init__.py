"""What several test modules use; a test module imports from here and never from another test module."""
