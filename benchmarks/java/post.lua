-- One row to score, for wrk: see docs/performance.md
wrk.method = "POST"
wrk.body = '{"weekday":"Tuesday","carrier":"UA","origin":"EWR","dest":"IAH","month":1,"minute_of_day":315,"distance":1400,"temp":39.02,"dewp":28.04,"humid":64.43,"wind_dir":260,"wind_speed":12.65858,"precip":0,"pressure":1011.9,"visib":10}'
wrk.headers["Content-Type"] = "application/json"
