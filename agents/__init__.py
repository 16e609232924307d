"""What runs where the media lie: finds, dates, reports, and erases what is due."""
