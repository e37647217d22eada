"""Models behind one contract: what they are, how they are chosen, how long they take."""
