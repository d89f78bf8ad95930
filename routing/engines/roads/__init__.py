"""Roads: from an extract of OpenStreetMap to travel times, lines to draw, and a basemap.

extract       a .osm.pbf, read, checked and normalised
build         one region: OSRM datasets, road graph, basemap, facts; swapped in whole or not at all
facts         what is known about a built region
profiles      how a vehicle travels: which roads, which speeds
osrm          travel times from OSRM, in a process of its own
kept_travel   the same, each pair computed once a build; kept_tables is the file they are kept in
road_rules    what a way and a node mean to a vehicle
road_graph    a second opinion, and the fallback; made by road_read and road_network
great_circle  the last resort
coastline     which side of a coastline is water
basemap       the map under the pins
programs      the programs that the wheels carry
travel        the best travel times there are
"""
