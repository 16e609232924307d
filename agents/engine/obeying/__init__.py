"""What others say: the enforcer, two people, a marker at the locker; verified, and put in force."""
