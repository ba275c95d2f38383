"""Other services under the same load."""
