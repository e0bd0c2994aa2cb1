package refit.scoring;

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

    /** Renders the text format of Prometheus, which ends lines by a line feed on every system. */
    String render(int inFlight) {
        StringBuilder out = new StringBuilder();
        declare(out, "scoring_requests_total", "counter", "Requests to score, by HTTP status.");
        requests.forEach((status, n) -> sample(
                out, "scoring_requests_total{status=\"" + status + "\"}", n.sum()));
        declare(out, "scoring_rows_total", "counter", "Rows that were scored.");
        sample(out, "scoring_rows_total", rows.sum());
        declare(out, "scoring_requests_in_flight", "gauge", "Requests that wait or are answered.");
        sample(out, "scoring_requests_in_flight", inFlight);
        declare(out, "scoring_seconds", "histogram", "Time of a request to score.");
        long below = 0;
        for (int i = 0; i < buckets.length; i++) {
            below += buckets[i].sum();
            String bound = i < BOUNDS_SECONDS.length ? "" + BOUNDS_SECONDS[i] : "+Inf";
            sample(out, "scoring_seconds_bucket{le=\"" + bound + "\"}", below);
        }
        sample(out, "scoring_seconds_sum", nanos.sum() / 1e9);
        sample(out, "scoring_seconds_count", below);
        return out.toString();
    }

    private static void declare(StringBuilder out, String name, String type, String help) {
        out.append("# HELP ").append(name).append(' ').append(help).append('\n');
        out.append("# TYPE ").append(name).append(' ').append(type).append('\n');
    }

    private static void sample(StringBuilder out, String series, Number value) {
        out.append(series).append(' ').append(value).append('\n');
    }
}
