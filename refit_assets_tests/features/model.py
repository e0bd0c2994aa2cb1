"""A model small enough to reason about: real flights, two days of the carrier's past."""

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as f


def features(landed: Mapping[str, DataFrame]) -> DataFrame:
    flights = landed["flights"]
    by_day = flights.groupBy("carrier", f.col("landed_day").alias("past_day"))
    past = by_day.agg(f.count_if(f.col("arr_delay") > 15).alias("late"), f.count("*").alias("all"))
    gap = f.datediff("landed_day", "past_day")
    days = flights.select("carrier", "landed_day").distinct()
    shares = (
        days.join(past, "carrier")
        .where((gap >= 1) & (gap <= 2))
        .groupBy("carrier", "landed_day")
        .agg((f.sum("late") / f.sum("all")).cast("decimal(5,4)").alias("late_share"))
    )
    cold = landed["weather"].groupBy(f.col("landed_day").alias("weather_day"))
    weather = cold.agg(f.min("temp").alias("coldest"))
    rows = flights.join(shares, ["carrier", "landed_day"], "left")
    rows = rows.join(weather, f.col("landed_day") == f.date_add("weather_day", 1), "left")
    return rows.selectExpr(
        "landed_day as day",
        "unix_seconds(time_hour) * 100000 + ascii(carrier) * 1000 + flight % 1000 as flight_key",
        "time_hour as knowledge_time",
        "carrier",
        "origin",
        "distance",
        "coldest",
        "late_share",
        "case when arr_delay > 15 then 'late' when arr_delay <= 15 then 'on_time' end as arrival",
    )
