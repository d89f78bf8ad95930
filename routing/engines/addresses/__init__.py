"""Finding addresses: the gazetteer of a region, built from its map, and the same behind geopy's interface."""
