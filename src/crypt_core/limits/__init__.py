"""How much one client may ask for, and which addresses count as one client."""
