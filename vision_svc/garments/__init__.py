"""Garments: where they are in a picture, what they look like, and the vectors that find them again."""
