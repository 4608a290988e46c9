"""What keeps an installation whole: a backup of everything, its way back, and a look at what could go wrong."""
