package refit.scoring;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

/** What the server counts, as Prometheus reads it. */
class ServeMetricsTest {
    @Test
    void secondsAreCountedBelowEachBound() {
        ServeMetrics metrics = new ServeMetrics();
        metrics.count(200, 2, 300_000);
        metrics.count(200, 1, 5_000_000);
        metrics.count(400, 0, 3_000_000_000L);
        String text = metrics.render(1);
        for (String line : List.of(
                "scoring_requests_total{status=\"200\"} 2",
                "scoring_requests_total{status=\"400\"} 1",
                "scoring_rows_total 3",
                "scoring_requests_in_flight 1",
                "scoring_seconds_bucket{le=\"2.5E-4\"} 0",
                "scoring_seconds_bucket{le=\"5.0E-4\"} 1",
                "scoring_seconds_bucket{le=\"0.005\"} 2",
                "scoring_seconds_bucket{le=\"1.0\"} 2",
                "scoring_seconds_bucket{le=\"+Inf\"} 3",
                "scoring_seconds_sum 3.0053",
                "scoring_seconds_count 3")) {
            assertTrue(text.contains("\n" + line + "\n"), line + " in " + text);
        }
    }
}
