"""The marketplace: accounts, agencies, selection by draw, and the public log."""
