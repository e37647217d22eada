"""What a user may send, how many streams there may be, and how long anything of them is kept."""
