"""Who the user is: settings, taste learnt from what they wear, colour season, avatars; and the stylist."""
