"""What protects the people in front of the camera."""
