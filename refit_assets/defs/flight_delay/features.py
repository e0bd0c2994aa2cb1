"""What is known of a flight at the start of its scheduled hour, and whether it came late.

A flight of the past counts from the hour on by which it is known: its departure from that instant,
its arrival from departure + time in the air + four hours of taxiing (235 minutes is the longest
in 2013); a weather observation stands from the end of its hour. Sums are of integers, shares and
readings are decimals: the same flights give the same features, however Spark cuts them.
A flight that was cancelled or diverted has a row without an outcome. Before departure nobody knows
that, so it is scored like any other; training and evaluation leave it out.
"""

from collections.abc import Iterator, Mapping, Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as f

# Hours are counted from 1970 in UTC: a local one stands twice, or not at all, when clocks change.
FLIGHTS = (
    "*",
    "unix_seconds(time_hour) div 3600 as utc_hour",
    "unix_seconds(time_hour) div 3600 + ceil((minute + dep_delay) / 60) as departed",
    "unix_seconds(time_hour) div 3600 + ceil((minute + dep_delay + air_time + 240) / 60) as landed",
)

# Of the flights scheduled in the last `hours`, the share of `hits`: hours, hits, the hour from
# which a flight counts, the hour from which its hit counts.
SHARES = {
    "late_share": (168, "arr_delay > 15", "landed", "landed"),
    "delayed_share": (6, "dep_delay > 15", "departed", "departed"),
    "departed_share": (3, "true", "utc_hour + 1", "departed"),
}
WHOSE = {"carrier": ["carrier"], "origin": ["origin"], "carrier_at_origin": ["carrier", "origin"]}

WEATHER = {
    "temperature": "temp",
    "humidity": "humid",
    # Newark once recorded 1,048 miles an hour.
    "wind_speed": "cast(if(wind_speed < 200, wind_speed, null) as decimal(5, 2))",
    "wind_gust": "cast(wind_gust as decimal(5, 2))",
    "precipitation": "precip",
    "pressure": "pressure",
    "visibility": "visib",
}

ANSWER = (
    "landed_day as day",
    # As a person can read it: hour, the carrier's two characters in base 36, number of the flight.
    "(utc_hour * 1296 + bigint(conv(carrier, 36, 10))) * 10000 + flight as flight_key",
    "time_hour as knowledge_time",
    "carrier",
    "origin",
    "dest",
    "distance",
    "hour * 60 + minute as departure_minute",
    "weekday(landed_day) as week_day",
    "year(landed_day) - plane_year as plane_age",
    "seats",
    *WEATHER,
    *(f"{whose}_{share}" for whose in WHOSE for share in SHARES),
    "case when arr_delay > 15 then 'late' when arr_delay <= 15 then 'on_time' end as arrival",
)


def features(landed: Mapping[str, DataFrame]) -> DataFrame:
    """Return one row a scheduled flight, its features as of the start of its scheduled hour."""
    flights = landed["flights"].selectExpr(*FLIGHTS)
    planes = landed["planes"].selectExpr("tailnum", "year as plane_year", "seats")
    rows = flights.join(f.broadcast(planes), "tailnum", "left")
    rows = rows.join(f.broadcast(_weather(landed["weather"])), ["origin", "utc_hour"], "left")
    rows = rows.join(f.broadcast(_past(flights)), ["origin", "carrier", "utc_hour"], "left")
    return rows.selectExpr(*ANSWER)


def _weather(weather: DataFrame) -> DataFrame:
    """One row an origin and hour: the last observation before it, twelve hours old at most."""
    by_origin = Window.partitionBy("origin").orderBy("observed")
    observed = weather.withColumn("observed", f.expr("unix_seconds(time_hour) div 3600"))
    ends = f.least(f.lead("observed").over(by_origin), f.col("observed") + 12)
    readings = [f"{reading} as {name}" for name, reading in WEATHER.items()]
    hours = observed.withColumn("hours", f.sequence(f.col("observed") + 1, ends))
    return hours.selectExpr("origin", "explode(hours) as utc_hour", *readings)


def _past(flights: DataFrame) -> DataFrame:
    """One row for every origin, carrier and hour that a flight may ask for, with all shares."""
    place = ["origin", "carrier"]
    changes = f.explode(f.expr(f"array({', '.join(_changes())})")).alias("change")
    sums = [f.sum(name).alias(name) for share in SHARES for name in _sums(share)]
    summed = flights.select(*place, changes).select(*place, "change.*")
    summed = summed.groupBy(*place, "utc_hour").agg(*sums)
    shares = [
        _share(share, whose).alias(f"{name}_{share}")
        for name, whose in WHOSE.items()
        for share in SHARES
    ]
    return summed.select(*place, "utc_hour", *shares)


def _share(share: str, whose: Sequence[str]) -> Column:
    # By range: the sums of an hour hold the changes of all rows of this hour.
    so_far = Window.partitionBy(*whose).orderBy("utc_hour")
    hits, flights = (f.sum(name).over(so_far).cast("decimal(9, 0)") for name in _sums(share))
    return f.when(flights > 0, (hits / flights).cast("decimal(5, 4)"))


def _sums(share: str) -> tuple[str, str]:
    return f"{share}_hits", f"{share}_flights"


def _changes() -> Iterator[str]:
    """Give the hours in which a flight changes the sums, and how.

    It adds itself from one hour on, its hit from another, and takes back both in the end.
    All these lie after its own hour, in which it changes nothing but looks up the sums.
    """
    yield _change("utc_hour")
    for share, (hours, hits, counts, known) in SHARES.items():
        hit_sum, flight_sum = _sums(share)
        end = f"utc_hour + {hours + 1}"
        begin, hit_begin = (
            f"least(greatest(coalesce({hour}, {end}), utc_hour + 1), {end})"
            for hour in (counts, known)
        )
        if begin == hit_begin:
            yield _change(begin, **{hit_sum: f"int({hits})", flight_sum: "1"})
        else:
            yield _change(begin, **{flight_sum: "1"})
            yield _change(hit_begin, **{hit_sum: f"int({hits})"})
        yield _change(end, **{hit_sum: f"-int({hits})", flight_sum: "-1"})


def _change(hour: str, **sums: str) -> str:
    parts = [f"'{name}', {sums.get(name, '0')}" for share in SHARES for name in _sums(share)]
    return f"named_struct('utc_hour', {hour}, {', '.join(parts)})"
