"""A catalogue that is drawn, not photographed: garments that search can tell apart, without any download or licence."""
