"""What is known of a flight when it leaves, and how many minutes it was in the air.

One row a flight that left: a cancelled one has no such moment. A diverted one has a row without an
air time; it is scored, and left out of training and evaluation.
The past and the weather are as of the scheduled hour, or of the hour of departure where that came
earlier: a flight that left a day late must not need files of the day after its own. Means are of
integers in decimals, so that the same flights give the same features, however Spark cuts them.
"""

from collections.abc import Iterator, Mapping

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as f

# Hours are counted from 1970 in UTC: a local one stands twice, or not at all, when clocks change.
FLIGHTS = (
    "*",
    "origin || dest as route",
    "sched_arr_time div 100 * 60 + sched_arr_time % 100 as arrival_minute",
    "unix_seconds(time_hour) div 3600 as scheduled",
    "unix_seconds(time_hour) div 3600 + least(0, floor((minute + dep_delay) / 60)) as utc_hour",
    # Taxiing is not in the data: four hours bound it.
    "unix_seconds(time_hour) div 3600 + ceil((minute + dep_delay + air_time + 240) / 60) as landed",
)

# Mean minutes in the air on the route, of flights scheduled in so many hours before.
MEANS = {"route_air_time_day": 24, "route_air_time_week": 168}

READINGS = {
    "temperature": "temp",
    "wind_direction": "wind_dir",
    # Newark once recorded 1,048 miles an hour.
    "wind_speed": "cast(if(wind_speed < 200, wind_speed, null) as decimal(5, 2))",
    "visibility": "visib",
}

ANSWER = (
    "landed_day as day",
    # As a person can read it: hour, the carrier's two characters in base 36, number of the flight.
    "(scheduled * 1296 + bigint(conv(carrier, 36, 10))) * 10000 + flight as flight_key",
    "timestampadd(MINUTE, minute + dep_delay, time_hour) as knowledge_time",
    "carrier",
    "origin",
    "dest",
    "distance",
    "dep_delay as departure_delay",
    "hour * 60 + minute as departure_minute",
    "(arrival_minute - hour * 60 - minute + 1440) % 1440 as scheduled_minutes",
    "weekday(landed_day) as week_day",
    "split(manufacturer, ' ')[0] as maker",
    "engines",
    "seats",
    *READINGS,
    *MEANS,
    "air_time",
)


def features(landed: Mapping[str, DataFrame]) -> DataFrame:
    """Return one row a flight that left, its features as of its departure."""
    flights = landed["flights"].where("dep_delay is not null").selectExpr(*FLIGHTS)
    planes = landed["planes"].select("tailnum", "manufacturer", "engines", "seats")
    weather = _weather(landed["weather"])
    rows = flights.join(f.broadcast(planes), "tailnum", "left")
    rows = rows.join(f.broadcast(weather), ["origin", "utc_hour"], "left")
    rows = rows.join(f.broadcast(_means(flights)), ["route", "utc_hour"], "left")
    return rows.selectExpr(*ANSWER)


def _weather(weather: DataFrame) -> DataFrame:
    """One row an origin and hour: the last observation before it, twelve hours old at most."""
    by_origin = Window.partitionBy("origin").orderBy("observed")
    observed = weather.withColumn("observed", f.expr("unix_seconds(time_hour) div 3600"))
    ends = f.least(f.lead("observed").over(by_origin), f.col("observed") + 12)
    hours = observed.withColumn("hours", f.sequence(f.col("observed") + 1, ends))
    readings = [f"{reading} as {name}" for name, reading in READINGS.items()]
    return hours.selectExpr("origin", "explode(hours) as utc_hour", *readings)


def _means(flights: DataFrame) -> DataFrame:
    """One row for every route and hour that a flight may ask for."""
    changes = f.explode(f.expr(f"array({', '.join(_changes())})")).alias("change")
    sums = [f.sum(column).alias(column) for name in MEANS for column in (name, f"{name}_flights")]
    summed = flights.select("route", changes).select("route", "change.*")
    summed = summed.groupBy("route", "utc_hour").agg(*sums)
    return summed.select("route", "utc_hour", *(_mean(name).alias(name) for name in MEANS))


def _mean(name: str) -> Column:
    so_far = Window.partitionBy("route").orderBy("utc_hour")
    minutes, count = (
        f.sum(column).over(so_far).cast("decimal(12, 0)") for column in (name, f"{name}_flights")
    )
    return f.when(count > 0, (minutes / count).cast("decimal(6, 2)"))


def _changes() -> Iterator[str]:
    """Give the hours in which a flight changes the sums, and how.

    It adds its air time from the hour on by which it is known, and takes it back later.

    Both lie after its own hour, in which it changes nothing but looks up the sums.
    """
    yield _change("utc_hour")
    for name, hours in MEANS.items():
        end = f"scheduled + {hours + 1}"
        begin = f"least(greatest(coalesce(landed, {end}), scheduled + 1), {end})"
        minutes = "coalesce(air_time, 0)"
        yield _change(begin, **{name: minutes, f"{name}_flights": "1"})
        yield _change(end, **{name: f"-{minutes}", f"{name}_flights": "-1"})


def _change(hour: str, **sums: str) -> str:
    names = [column for name in MEANS for column in (name, f"{name}_flights")]
    parts = [f"'{name}', {sums.get(name, '0')}" for name in names]
    return f"named_struct('utc_hour', {hour}, {', '.join(parts)})"
