"""One adapter per outside thing: the only rooms that import a solver, a road engine, a geocoder or a mail client."""
