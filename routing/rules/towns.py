"""Towns by name: before a street they say where it is, and are no company's name.

Those that a dispatcher of the North, of Germany, of Britain, Ireland or of America meets, and the large ones of Europe.
A name that is rather a person's, a firm's or a plain word (Nice, Reading, Jackson) is left out: it would make a
question of a customer's name.
"""

from __future__ import annotations

from routing.rules.spelling import keys

_NAMES = """
Aabenraa, Aabybro, Aakirkeby, Aalborg, Aalestrup, Aarhus, Aars, Aarup, Agerbæk, Agerskov, Albertslund, Allerød,
Allinge, Ansager, Arden, Asnæs, Assens, Augustenborg, Aulum, Auning, Bagenkop, Bagsværd, Balle, Ballerup, Bandholm,
Birkerød, Bjerringbro, Bjert, Bjæverskov, Blokhus, Bogense, Bogø By, Borre, Borup, Bramming, Bramdrupdam, Brande,
Branderup, Bredebro, Bredsten, Brenderup, Broager, Broby, Brovst, Bryrup, Brædstrup, Brøndby, Brøndby Strand,
Brønderslev, Brønshøj, Brørup, Bylderup-Bov, Bække, Bækmarksbro, Bælum, Børkop, Charlottenlund, Christiansfeld,
Dalmose, Dannemare, Daugård, Dianalund, Dragør, Dronninglund, Dronningmølle, Dyssegård, Ebberup, Ebeltoft, Egernsund,
Egtved, Egå, Ejby, Ejstrupholm, Eskebjerg, Eskilstrup, Espergærde, Esbjerg, Faaborg, Fakse, Fakse Ladeplads, Fanø,
Farsø, Farum, Faxe, Fejø, Fjenneslev, Fjerritslev, Fredensborg, Fredericia, Frederikshavn, Frederikssund,
Frederiksværk, Fårevejle, Fårup, Fårvang, Føvling, Gadbjerg, Gadstrup, Galten, Gandrup, Gedser, Gedsted, Gedved,
Gelsted, Gentofte, Gesten, Gilleleje, Gislev, Gistrup, Gjern, Gjerlev, Gladsaxe, Glamsbjerg, Glejbjerg, Glesborg,
Glostrup, Glumsø, Gredstedbro, Grenaa, Greve, Greve Strand, Grevinge, Grindsted, Græsted, Gråsten, Gudbjerg, Gudhjem,
Gudme, Guldborg, Gørding, Gørlev, Gørløse, Haderslev, Hadsten, Hadsund, Hammel, Hammerum, Hampen, Hanstholm, Harboøre,
Hårlev, Harlev, Harndrup, Harpelunde, Haslev, Hasselager, Hasle, Havdrup, Havndal, Hedehusene, Hedensted, Hejls,
Hejnsvig, Hellebæk, Hellerup, Helsinge, Helsingør, Hemmet, Herfølge, Herlev, Herlufmagle, Herning, Hesselager,
Hillerød, Hinnerup, Hirtshals, Hjallerup, Hjerm, Hjortshøj, Hjørring, Hobro, Holbæk, Holeby, Holmegaard, Holstebro,
Holsted, Holte, Hornbæk, Hornslet, Hornsyld, Horsens, Horslunde, Hovborg, Hovedgård, Humble, Humlebæk, Hundested,
Hundslund, Hurup Thy, Hvalsø, Hvide Sande, Hvidovre, Højbjerg, Højby, Højer, Højslev, Høng, Hørning, Hørsholm, Hørve,
Idestrup, Ikast, Ishøj, Jelling, Jerslev, Jerup, Jordrup, Juelsminde, Jyderup, Jyllinge, Jystrup, Jægerspris,
Kalundborg, Karise, Karlslunde, Karrebæksminde, Karup, Kastrup, Kerteminde, Kettinge, Kibæk, Kirke Hyllinge, Kirke
Såby, Kjellerup, Klampenborg, Klarup, Klemensker, Klippinge, Klovborg, Knebel, Kokkedal, Kolding, Kolind, Kongens
Lyngby, Kgs. Lyngby, Kongerslev, Korsør, Kruså, Kvistgård, Kværndrup, København, Køge, Langebæk, Langeskov, Langå,
Lejre, Lemming, Lemvig, Lille Skensved, Lintrup, Liseleje, Lohals, Lundby, Lunderskov, Lynge, Lyngby, Lystrup, Læsø,
Løgstrup, Løgstør, Løgumkloster, Løkken, Løsning, Malling, Mariager, Maribo, Marslev, Marstal, Martofte, Melby, Mern,
Middelfart, Millinge, Morud, Munke Bjergby, Munkebo, Måløv, Mårslet, Møldrup, Mørke, Mørkøv, Nakskov, Nexø, Nibe,
Nimtofte, Nordborg, Nordby, Nyborg, Nykøbing, Nykøbing Falster, Nykøbing Mors, Nykøbing Sjælland, Nyrup, Nysted, Nærum,
Næstved, Nørre Aaby, Nørre Alslev, Nørre Asmindrup, Nørre Nebel, Nørre Snede, Nørreballe, Nørresundby, Odder, Odense,
Oksbøl, Otterup, Oure, Outrup, Padborg, Pandrup, Præstø, Randbøl, Randers, Ranum, Rask Mølle, Redsted, Regstrup, Ribe,
Ringe, Ringkøbing, Ringsted, Risskov, Roskilde, Roslev, Rudkøbing, Ruds Vedby, Rungsted Kyst, Ry, Ryomgård, Ryslinge,
Rødby, Rødding, Rødekro, Rødkærsbro, Rødovre, Rødvig Stevns, Rønde, Rønne, Rønnede, Rørvig, Sabro, Sakskøbing, Saltum,
Samsø, Sandved, Sejerø, Silkeborg, Sindal, Sjællands Odde, Skagen, Skals, Skamby, Skanderborg, Skibby, Skibet, Skive,
Skjern, Skodsborg, Skovlunde, Skærbæk, Skævinge, Skødstrup, Skørping, Skårup, Slagelse, Slangerup, Smørum, Snedsted,
Snekkersten, Solbjerg, Solrød, Solrød Strand, Sommersted, Sorring, Sorø, Spentrup, Spjald, Spøttrup, Stakroge, Stege,
Stenderup, Stenlille, Stenløse, Stenstrup, Stensved, Stoholm, Stokkemarke, Store Fuglede, Store Heddinge, Store
Merløse, Storvorde, Stouby, Strandby, Strib, Struer, Strøby, Stubbekøbing, Støvring, Suldrup, Sulsted, Sunds, Svaneke,
Svebølle, Svendborg, Svenstrup, Svinninge, Sydals, Sæby, Søborg, Søby Ærø, Søllested, Sønder Felding, Sønder Omme,
Sønder Stenderup, Sønderborg, Søndersø, Sørvad, Tappernøje, Tarm, Tarp, Taastrup, Tåstrup, Terndrup, Thisted, Thorsø,
Thyborøn, Tikøb, Tilst, Tinglev, Tistrup, Tisvildeleje, Tjele, Tjæreborg, Toftlund, Tommerup, Toreby, Torrig,
Tranbjerg, Tranekær, Trige, Trustrup, Tureby, Tylstrup, Tølløse, Tønder, Tørring, Tårs, Tårnby, Ugerløse, Uldum,
Ulfborg, Ullerslev, Ulstrup, Vadum, Vallensbæk, Vallensbæk Strand, Valby, Vamdrup, Vandel, Vanløse, Varde, Vedbæk,
Veflinge, Vejby, Vejen, Vejers Strand, Vejle, Vejle Øst, Vejstrup, Veksø, Vemb, Vemmelev, Vesløs, Vestbjerg, Vester
Skerninge, Vesterborg, Vestervig, Viborg, Viby, Videbæk, Vig, Vildbjerg, Vils, Vinderup, Vipperød, Virum, Vissenbjerg,
Viuf, Vodskov, Vojens, Vorbasse, Vordingborg, Vrå, Væggerløse, Værløse, Ærøskøbing, Ølgod, Ølsted, Ølstykke, Ørbæk,
Ørnhøj, Ørsted, Ørum, Østbirk, Øster Assels, Øster Ulslev, Østermarie, Østervrå, Åbenrå, Ålborg, Ålestrup, Århus, Års,
Årslev,

Bornholm, Falster, Fyn, Jylland, Langeland, Lolland, Skåne,

Alingsås, Borlänge, Borås, Eskilstuna, Falkenberg, Falun, Gävle, Göteborg, Gothenburg, Halmstad, Helsingborg, Huddinge,
Hässleholm, Jönköping, Kalmar, Karlskrona, Karlstad, Kiruna, Kristianstad, Kungsbacka, Landskrona, Lidköping,
Linköping, Ljungby, Luleå, Malmö, Motala, Nacka, Norrköping, Nyköping, Nässjö, Sandviken, Skara, Skellefteå, Skövde,
Solna, Stockholm, Sundbyberg, Sundsvall, Södertälje, Trelleborg, Trollhättan, Uddevalla, Umeå, Uppsala, Varberg, Visby,
Västervik, Västerås, Växjö, Ystad, Ängelholm, Örebro, Örnsköldsvik, Östersund, Arendal, Bergen, Bodø, Drammen,
Fredrikstad, Hamar, Haugesund, Kristiansand, Kristiansund, Larvik, Lillehammer, Molde, Narvik, Oslo, Porsgrunn,
Sandefjord, Sandnes, Sarpsborg, Skien, Stavanger, Tromsø, Trondheim, Tønsberg, Ålesund, Espoo, Esbo, Hamina, Helsinki,
Helsingfors, Hyvinkää, Hämeenlinna, Imatra, Joensuu, Jyväskylä, Järvenpää, Kajaani, Kemi, Kerava, Kirkkonummi, Kokkola,
Kotka, Kouvola, Kuopio, Lahti, Lappeenranta, Lohja, Mikkeli, Nurmijärvi, Oulu, Pori, Porvoo, Raahe, Raisio, Rauma,
Riihimäki, Rovaniemi, Salo, Savonlinna, Seinäjoki, Tampere, Tammerfors, Tornio, Turku, Åbo, Tuusula, Vaasa, Vantaa,
Vanda, Varkaus, Ylöjärvi, Reykjavík, Tallinn, Tartu, Narva, Pärnu, Riga, Daugavpils, Liepāja, Vilnius, Kaunas,
Klaipėda,

Aachen, Augsburg, Berlin, Bielefeld, Bochum, Bonn, Braunschweig, Bremen, Bremerhaven, Chemnitz, Cottbus, Darmstadt,
Dortmund, Dresden, Duisburg, Düsseldorf, Erfurt, Erlangen, Flensburg, Frankfurt, Freiburg, Fürth, Gelsenkirchen,
Göttingen, Hagen, Hamburg, Hannover, Heidelberg, Heilbronn, Husum, Ingolstadt, Jena, Karlsruhe, Kassel, Kiel, Koblenz,
Köln, Cologne, Krefeld, Leipzig, Leverkusen, Lübeck, Ludwigshafen, Lüneburg, Magdeburg, Mainz, Mannheim,
Mönchengladbach, München, Munich, Münster, Neumünster, Nürnberg, Oberhausen, Oldenburg, Osnabrück, Paderborn, Potsdam,
Regensburg, Rostock, Saarbrücken, Schwerin, Stralsund, Stuttgart, Ulm, Wiesbaden, Wolfsburg, Wuppertal, Würzburg, Graz,
Innsbruck, Klagenfurt, Linz, Salzburg, Wien, Vienna, Basel, Bern, Genève, Lausanne, Luzern, Winterthur, Zürich,
Amsterdam, Arnhem, Breda, Den Haag, Eindhoven, Groningen, Haarlem, Maastricht, Nijmegen, Rotterdam, Tilburg, Utrecht,
Antwerpen, Brugge, Bruxelles, Brussels, Gent, Leuven, Liège, Namur, Bordeaux, Dijon, Grenoble, Le Havre, Lille, Lyon,
Marseille, Montpellier, Nantes, Paris, Rennes, Strasbourg, Toulouse, Barcelona, Bilbao, Madrid, Málaga, Sevilla,
Valencia, Zaragoza, Braga, Coimbra, Lisboa, Lisbon, Porto, Bari, Bologna, Firenze, Genova, Milano, Milan, Napoli,
Palermo, Roma, Rome, Torino, Venezia, Verona, Gdańsk, Katowice, Kraków, Łódź, Lublin, Poznań, Szczecin, Warszawa,
Warsaw, Wrocław, Brno, Ostrava, Plzeň, Praha, Prague, Bratislava, Košice, Budapest, Debrecen, București, Bucharest,
Sofia, Ljubljana, Zagreb, Beograd, Belgrade, Athens,

Aberdeen, Aberystwyth, Basingstoke, Belfast, Birmingham, Blackburn, Blackpool, Bournemouth, Bradford, Brighton,
Bristol, Cambridge, Cardiff, Carlisle, Cheltenham, Chester, Colchester, Coventry, Croydon, Derby, Doncaster, Dundee,
Edinburgh, Exeter, Glasgow, Gloucester, Huddersfield, Inverness, Ipswich, Leeds, Leicester, Liverpool, London,
Londonderry, Luton, Maidstone, Manchester, Middlesbrough, Milton Keynes, Newcastle, Northampton, Norwich, Nottingham,
Oxford, Peterborough, Plymouth, Portsmouth, Sheffield, Shrewsbury, Southampton, Southend, Stockport, Sunderland,
Swansea, Swindon, Wakefield, Wigan, Wolverhampton, Worcester, Wrexham, York, Athlone, Cork, Drogheda, Dublin, Dundalk,
Ennis, Galway, Kilkenny, Killarney, Letterkenny, Limerick, Sligo, Tralee, Waterford, Wexford,

Akron, Albuquerque, Alexandria, Allentown, Anaheim, Anchorage, Annapolis, Ann Arbor, Arlington, Atlanta, Baltimore,
Baton Rouge, Bel Air, Bethesda, Boise, Boston, Bridgeport, Brooklyn, Buffalo, Catonsville, Charleston, Chattanooga,
Chicago, Cincinnati, Cleveland, Cockeysville, Colorado Springs, Columbus, Cumberland, Dallas, Dayton, Denver, Des
Moines, Detroit, Durham, El Paso, Eldersburg, Ellicott City, Fort Worth, Fresno, Gaithersburg, Germantown, Glen Burnie,
Grand Rapids, Greensboro, Hagerstown, Harrisburg, Hartford, Honolulu, Houston, Indianapolis, Jacksonville, Jersey City,
Kansas City, Knoxville, Las Vegas, Little Rock, Long Beach, Los Angeles, Louisville, Lutherville, Memphis, Miami,
Milwaukee, Minneapolis, Nashville, Newark, New Haven, New Orleans, New York, Norfolk, Oakland, Oklahoma City, Omaha,
Orlando, Owings Mills, Parkville, Perry Hall, Philadelphia, Pikesville, Pittsburgh, Portland, Providence, Raleigh,
Randallstown, Reisterstown, Richmond, Rochester, Rockville, Sacramento, Saint Louis, St. Louis, Saint Paul, St. Paul,
Salisbury, Salt Lake City, San Antonio, San Diego, San Francisco, San Jose, Savannah, Scranton, Seattle, Severna Park,
Silver Spring, Spokane, Springfield, Stamford, Sykesville, Syracuse, Tallahassee, Tampa, Toledo, Topeka, Towson,
Trenton, Tucson, Tulsa, Virginia Beach, Washington DC, Westminster, Wichita, Wilmington, Winston-Salem, Calgary,
Edmonton, Halifax, Montreal, Montréal, Ottawa, Quebec, Saskatoon, Toronto, Vancouver, Winnipeg, Adelaide, Brisbane,
Canberra, Melbourne, Perth, Sydney, Auckland, Christchurch
"""

TOWNS = frozenset(key for name in _NAMES.split(",") for key in keys(name.strip()) if key)
"""Folded, each also as it is written without the letters of its own language (Soroe)."""

_NAMES_TOO = """
Arden, Arendal, Balle, Bergen, Berlin, Bern, Bjert, Borre, Borup, Boston, Bradford, Bramming, Brande, Chester, Columbus,
Cork, Dallas, Dayton, Denver, Derby, Durham, Ejby, Ennis, Fårup, Galten, Gesten, Greve, Hagen, Hamar, Hammel, Hasle,
Holbæk, Holte, Houston, Højby, Højer, Kiel, Kolding, Kolind, Lemming, Linz, London, Lundby, Lyngby, Lynge, Malling,
Melby, Milan, Mørke, Norfolk, Nyborg, Nyrup, Orlando, Oure, Oxford, Paris, Raleigh, Ribe, Richmond, Ringe, Rochester,
Rønne, Sabro, Salo, Sandnes, Savannah, Sheffield, Solbjerg, Strandby, Sydney, Sæby, Tarm, Tarp, Tjele, Trige, Ulstrup,
Vejby, Verona, Viborg, Viby, Vienna, Vig, Vinderup, Wakefield, York, Ørsted, Ørum
"""

NAMES_TOO = frozenset(key for name in _NAMES_TOO.split(",") for key in keys(name.strip()) if key)
"""Of the towns those that people are called too, by their first or their family's name."""
