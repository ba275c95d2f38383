"""The service on Cloudflare: its store, its Durable Object, and what translates the runtime's requests.

Nothing in here imports the runtime when it is loaded; what a module needs of it is handed in.
"""
