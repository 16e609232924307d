"""The forms people fill in and the slips they get back: the bodies of the people's API.

Nothing here touches a database, so that the command line can build and read them by itself.
Instants are seconds since 1970 UTC, days are civil dates in the site's zone.
"""
