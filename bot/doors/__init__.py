"""The doors that other programs may call over HTTP: the data door."""
