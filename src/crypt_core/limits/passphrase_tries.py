"""How often a sealed message may be asked for with a wrong passphrase."""

MAX_PASSPHRASE_TRIES = 10
"""The last wrong one destroys the message. Only a caller with the link can try: ten are for typing errors."""
