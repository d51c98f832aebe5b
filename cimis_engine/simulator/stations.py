"""The stations: 56 real ones (public facts of the agency's directory, August 2023), and invented ones beyond them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np

from cimis_engine.model.station import Station
from cimis_engine.simulator.noise import uniform

FIRST_EXTRA = 301
_OPEN_END = "12/31/2050"
_REGIONS = {"N": "Northern", "NC": "North Central", "SC": "South Central", "S": "Southern"}

# number|name|city|county|region|connect|disconnect|eto|elevation (ft)|ground cover|latitude|longitude|zip codes
_REAL = """\
1|Fresno/F.S.U. USDA|Fresno|Fresno|SC|1982-06-07|1988-09-25|eto|340|Grass|36.814444|-119.731670|93766 93762 93761
2|FivePoints|Five Points|Fresno|SC|1982-06-07||eto|285|Grass|36.336222|-120.112910|93624
3|Beach /Santa Cruz CO|Watsonville|Santa Cruz|SC|1982-05-30|1986-08-25|eto|10|Grass|36.880556|-121.793330|95077 95076
4|Webb /Santa Cruz CO|Watsonville|Santa Cruz|SC|1982-05-30|1988-04-29|eto|230|Grass|36.9725|-121.726110|95077 95076
5|Shafter|Shafter|Kern|SC|1982-06-01||eto|360|Grass|35.532556|-119.281790|93263 93280 93388
6|Davis|Davis|Yolo|NC|1982-07-17||eto|60|Grass|38.535694|-121.776360|95618 95617 95616
7|Firebaugh/Telles|Firebaugh|Fresno|SC|1982-09-22||eto|185|Grass|36.851222|-120.590920|93622 93665 93620
8|Gerber|Gerber|Tehama|N|1982-09-22|2014-08-14|eto|250|Grass|40.044053|-122.165510|96035 96092 96090
9|Lamont|LaMont|Kern|SC|1982-09-29|1989-04-10|eto|406|Grass|35.238056|-118.894440|93621 93272 93256
10|Bakersfield/Greenlee|Mettler Station|Kern|SC|1982-10-01|1986-04-16|eto|400|Grass|35.077083|-119.082130|93383 93381
12|Durham|Chico|Butte|N|1982-10-19||eto|130|Grass|39.608639|-121.824430|95974 95958 95938
13|Camino|Placerville|El Dorado|NC|1982-10-19||eto|2780|Grass|38.753136|-120.7336|95667 95709
15|Stratford|Stratford|Kings|SC|1982-10-29||eto|193|Grass|36.157972|-119.851430|93246 93245 93234
35|Bishop|Bishop|Inyo|S|1983-02-04||eto|4170|Grass|37.358514|-118.405530|93515 93514 93513
39|Parlier|Parlier|Fresno|SC|1983-05-23||eto|337|Grass|36.597444|-119.504040|93662 93657 93654
41|Calipatria/Mulberry|Calipatria|Imperial|S|1983-07-17||eto|-110|Grass|33.042986|-115.415850|92281 92257 92233
43|McArthur|Glenburn|Shasta|N|1983-10-31||eto|3310|Grass|41.063767|-121.456020|96028 96056
44|U.C. Riverside|Riverside|Riverside|S|1985-06-02||eto|1020|Grass|33.964942|-117.336980|92522 92521 92519
47|Brentwood|Brentwood|Contra Costa|NC|1985-11-18||eto|45|Grass|37.928258|-121.6599|94548 94514 94513
52|San Luis Obispo|San Luis Obispo|San Luis Obispo|S|1986-04-02||eto|330|Grass|35.305442|-120.661780|93410 93409 93408
62|Temecula|Rancho California|Riverside|S|1986-11-25|||1420|Grass|33.486650|-117.228270|92592 92591 92590
64|Santa Ynez|Santa Ynez|Santa Barbara|S|1986-11-21||eto|490|Grass|34.583144|-120.079240|93460
68|Seeley|Seeley|Imperial|S|1987-05-29||eto|40|Grass|32.759575|-115.732070|92273
70|Manteca|Manteca|San Joaquin|NC|1987-11-12||eto|33|Grass|37.834822|-121.223190|95337 95336 95365
71|Modesto|Modesto|Stanislaus|SC|1987-06-25||eto|35|Grass|37.645222|-121.187760|95397 95358 95357
75|Irvine|Irvine|Orange|S|1987-10-07||eto|410|Grass|33.688450|-117.721180|92710 92707 92667
77|Oakville|Napa|Napa|NC|1989-03-01||eto|190|Grass|38.428475|-122.410210|94573 94574 94562
78|Pomona|Pomona|Los Angeles|S|1989-03-14||eto|730|Grass|34.056589|-117.813070|91799 91797 91769
80|Fresno State|Fresno|Fresno|SC|1988-10-03||eto|339|Grass|36.820833|-119.742310|93766 93762 93761
83|Santa Rosa|Santa Rosa|Sonoma|NC|1990-01-01||eto|80|Grass|38.403550|-122.799930|95409 95408 95407
84|Browns Valley|Marysville|Yuba|NC|1989-04-13||eto|940|Grass|39.252561|-121.315670|95918
87|Meloland|El Centro|Imperial|S|1989-12-12||eto|-50|Grass|32.806183|-115.446260|92251 92250 92244
88|Cuyama|Cuyama|Santa Barbara|S|1989-05-20|||2290|Grass|34.942525|-119.6738|93254
90|Alturas|Alturas|Modoc|N|1989-04-23||eto|4405|Grass|41.438214|-120.480310|96101
91|Tulelake FS|Tulelake|Siskiyou|N|1989-04-12||eto|4035|Grass|41.958869|-121.472370|96134
99|Santa Monica|Santa Monica|Los Angeles|S|1992-12-11||eto|340|Grass|34.044311|-118.476890|90411 90410 90409
103|Windsor|Windsor|Sonoma|NC|1990-12-14||eto|92|Grass|38.526650|-122.813758|95492 95439 95448
104|De Laveaga|Santa Cruz|Santa Cruz|SC|1990-09-28||eto|300|Grass|36.997444|-121.996760|95065 95064 95018
105|Westlands|Tranquility|Fresno|SC|1992-04-17||eto|191|Grass|36.634028|-120.381810|93668 93640
106|Sanel Valley|Hopland|Mendocino|NC|1991-02-01||eto|525|Grass|38.982581|-123.089280|95449
107|Santa Barbara|Santa Barbara|Santa Barbara|S|1993-04-07||eto|250|Grass|34.437353|-119.737420|93199 93190 93160
113|King City-Oasis Rd.|King City|Monterey|SC|1993-06-12||eto|540|Grass|36.121083|-121.084570|93930
114|Arroyo Seco|Soledad|Monterey|SC|1993-06-18||eto|235|Grass|36.347306|-121.291350|93927
124|Panoche|Firebaugh|Fresno|SC|1995-07-27||eto|183|Grass|36.890056|-120.731410|95043 93622
125|Arvin-Edison|Arvin|Kern|SC|1995-03-22||eto|500|Grass|35.205583|-118.778410|93203
131|Fair Oaks|Fair Oaks|Sacramento|NC|1997-04-18||eto|265|Grass|38.649964|-121.218870|95628 95038 95037
139|Winters|Winters|Solano|NC|1998-06-15||eto|136|Grass|38.501258|-121.978530|95694 95696 95688
140|Twitchell Island|Rio Vista|Sacramento|NC|1997-10-08||eto|0|Grass|38.121739|-121.674455|94571 95641
144|Petaluma East|Petaluma|Sonoma|NC|1999-08-25||eto|97|Grass|38.266428|-122.616460|94999 94975 94955
146|Belridge|Lost Hills|Kern|SC|1998-10-09||eto|410|Grass|35.505833|-119.691140|93206
155|Bryte (experimental)|West Sacramento|Yolo|NC|1998-12-10|2022-09-06||40|Bare|38.599158|-121.540410|95799 95798 95691
166|Lodi West|Lodi|San Joaquin|NC|2000-09-13|2015-03-20|eto|25|Alfalfa|38.129933|-121.386590|95632 95258 95256
170|Concord|Concord|Contra Costa|NC|2001-04-06||eto|35|Grass|38.015372|-122.020280|94529 94527 94524
196|Esparto|Esparto|Yolo|NC|2005-04-15|2017-07-15|eto|174|Grass|38.691786|-122.013810|95607 95627 95653
206|Denair II|Denair|Stanislaus|SC|2009-04-09||eto|150|Grass|37.545869|-120.754530|95303 95316 95323
212|Hastings Tract East|Dixon|Solano|NC|2009-10-20||eto|7|Grass|38.278056|-121.741110|94571 95620
"""


def _parse(line: str) -> Station:
    number, name, city, county, region, start, end, eto, elevation, cover, lat, lon, zips = line.split("|")
    return Station(
        number=int(number),
        name=name,
        city=city,
        county=county,
        region=f"{_REGIONS[region]} Region Office",
        connect=date.fromisoformat(start),
        disconnect=date.fromisoformat(end) if end else None,
        eto=eto == "eto",
        elevation=int(elevation),
        ground_cover=cover,
        latitude=float(lat),
        longitude=float(lon),
        zip_codes=tuple(zips.split()),
    )


def _extra(number: int, real: tuple[Station, ...]) -> Station:
    """A neighbour of a real active station: within 0.3 degrees of it, up to 400 ft higher, always active."""
    active = [s for s in real if s.active]
    draw = uniform(number, np.arange(5, dtype=np.uint64)).tolist()
    near = active[int(draw[0] * len(active))]
    assert near.latitude is not None and near.longitude is not None
    return Station(
        number=number,
        name=f"{near.city} {number}",
        city=near.city,
        county=near.county,
        region=near.region,
        connect=date(1983, 1, 1) + timedelta(days=int(draw[1] * 11_000)),
        disconnect=None,
        eto=True,
        elevation=near.elevation + int(draw[2] * 400),
        ground_cover="Grass",
        latitude=round(near.latitude + 0.6 * (draw[3] - 0.5), 6),
        longitude=round(near.longitude + 0.6 * draw[4] * 0.5, 6),
        zip_codes=near.zip_codes,
    )


def stations(total: int | None = None) -> tuple[Station, ...]:
    """The first `total` stations by number: the real ones, then invented ones numbered from 301."""
    real = tuple(_parse(line) for line in _REAL.splitlines())
    if total is None or total <= len(real):
        return real[:total]
    return real + tuple(_extra(FIRST_EXTRA + i, real) for i in range(total - len(real)))


def _hms(degrees: float, positive: str) -> str:
    seconds = int(abs(degrees) * 3600)
    sign = "-" if degrees < 0 else ""
    return f"{sign}{seconds // 3600}º{seconds // 60 % 60}'{seconds % 60}{positive} / {degrees:f}"


def _us_date(day: date) -> str:
    return f"{day.month}/{day.day}/{day.year}"


def directory_entry(station: Station) -> dict[str, Any]:
    """One element of the API's `Stations` array: strings everywhere except `ZipCodes`."""
    assert station.latitude is not None and station.longitude is not None
    return {
        "StationNbr": str(station.number),
        "Name": station.name,
        "City": station.city,
        "RegionalOffice": station.region,
        "County": station.county,
        "ConnectDate": _us_date(station.connect),
        "DisconnectDate": _us_date(station.disconnect) if station.disconnect else _OPEN_END,
        "IsActive": str(station.active),
        "IsEtoStation": str(station.eto),
        "Elevation": str(station.elevation),
        "GroundCover": station.ground_cover,
        "HmsLatitude": _hms(station.latitude, "N"),
        "HmsLongitude": _hms(station.longitude, "W"),
        "ZipCodes": list(station.zip_codes),
        "SitingDesc": "",
    }
