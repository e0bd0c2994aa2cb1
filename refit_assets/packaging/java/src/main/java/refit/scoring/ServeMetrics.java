package refit.scoring;

import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.LongAdder;

/** What the server counts, as Prometheus reads it. */
final class ServeMetrics {
    private static final double[] BOUNDS_SECONDS = {
        0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1
    };

    private final Map<Integer, LongAdder> requests = new ConcurrentSkipListMap<>();
    private final LongAdder rows = new LongAdder();
    private final LongAdder[] buckets = new LongAdder[BOUNDS_SECONDS.length + 1];
    private final LongAdder nanos = new LongAdder();

    ServeMetrics() {
        for (int i = 0; i < buckets.length; i++) {
            buckets[i] = new LongAdder();
        }
    }

    void count(int status, int scoredRows, long tookNanos) {
        requests.computeIfAbsent(status, s -> new LongAdder()).increment();
        rows.add(scoredRows);
        nanos.add(tookNanos);
        int bucket = 0;
        while (bucket < BOUNDS_SECONDS.length && tookNanos / 1e9 > BOUNDS_SECONDS[bucket]) {
            bucket++;
        }
        buckets[bucket].increment();
    }

    String render() {
        StringBuilder out = new StringBuilder("# TYPE scoring_requests_total counter\n");
        requests.forEach((status, n) -> out.append(String.format(
                "scoring_requests_total{status=\"%d\"} %d%n", status, n.sum())));
        out.append("# TYPE scoring_rows_total counter\nscoring_rows_total ").append(rows.sum());
        out.append("\n# TYPE scoring_seconds histogram\n");
        long below = 0;
        for (int i = 0; i < buckets.length; i++) {
            below += buckets[i].sum();
            String bound = i < BOUNDS_SECONDS.length ? "" + BOUNDS_SECONDS[i] : "+Inf";
            out.append(String.format("scoring_seconds_bucket{le=\"%s\"} %d%n", bound, below));
        }
        double sum = nanos.sum() / 1e9;
        out.append(String.format(Locale.ROOT, "scoring_seconds_sum %.9f%n", sum));
        return out.append(String.format("scoring_seconds_count %d%n", below)).toString();
    }
}
