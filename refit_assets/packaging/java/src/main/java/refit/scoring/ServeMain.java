package refit.scoring;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * A small HTTP server around the model, on the JDK's own: POST /score, GET /about, /inputs,
 * /health and /metrics.
 *
 * <p>A convenience in a jar of its own; a service that has a framework calls the scorer instead.
 */
public final class ServeMain implements AutoCloseable {
    private static final int MOST_BYTES = 8 << 20;
    private static final int MOST_WAITING = 256;
    private static final int GRACE_SECONDS = 5;

    /** What is answered: a status and a text. */
    private record Answer(int status, String type, String text, int rows) {
        static Answer json(int status, Object value, int rows) {
            StringBuilder out = new StringBuilder();
            Json.write(out, value);
            return new Answer(status, "application/json", out.append('\n').toString(), rows);
        }

        static Answer refusal(int status, String reason) {
            return json(status, Map.of("error", reason), 0);
        }
    }

    private final Engine engine;
    private final HttpServer server;
    private final ThreadPoolExecutor pool;
    private final ServeMetrics metrics = new ServeMetrics();

    ServeMain(Engine engine, String host, int port, int threads) throws IOException {
        this.engine = engine;
        engine.selfTest(); // A model that differs from the cluster's must not begin to serve.
        pool = new ThreadPoolExecutor(
                threads, threads, 1, TimeUnit.MINUTES, new LinkedBlockingQueue<>());
        server = HttpServer.create(new InetSocketAddress(host, port), MOST_WAITING);
        server.setExecutor(pool);
        server.createContext("/", this::handle);
        server.start();
    }

    /**
     * Serves until the process is asked to stop, then finishes what is in flight.
     *
     * @param args {@code --host=127.0.0.1 --port=8080 --threads=<processors>}
     * @throws IOException if the port can't be had
     */
    public static void main(String[] args) throws IOException {
        Map<String, String> options = new LinkedHashMap<>();
        options.put("--host", "127.0.0.1");
        options.put("--port", "8080");
        options.put("--threads", "" + Runtime.getRuntime().availableProcessors());
        for (String arg : args) {
            String[] parts = arg.split("=", 2);
            if (parts.length != 2 || options.replace(parts[0], parts[1]) == null) {
                System.err.println("options: --host=H --port=P --threads=N");
                System.exit(2);
            }
        }
        Engine engine = Engine.load(ServeMain.class::getResourceAsStream, Unseen.MISSING);
        int port = Integer.parseInt(options.get("--port"));
        int threads = Integer.parseInt(options.get("--threads"));
        ServeMain serving = new ServeMain(engine, options.get("--host"), port, threads);
        Runtime.getRuntime().addShutdownHook(new Thread(serving::close));
        System.err.println("serving on " + options.get("--host") + ":" + serving.port());
    }

    int port() {
        return server.getAddress().getPort();
    }

    @Override
    public void close() {
        server.stop(GRACE_SECONDS);
        pool.shutdown();
    }

    private void handle(HttpExchange exchange) throws IOException {
        long start = System.nanoTime();
        try (exchange) {
            Answer answer = answer(exchange);
            byte[] bytes = answer.text().getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().set("Content-Type", answer.type());
            exchange.sendResponseHeaders(answer.status(), bytes.length);
            exchange.getResponseBody().write(bytes);
            if (exchange.getRequestURI().getPath().equals("/score")) {
                metrics.count(answer.status(), answer.rows(), System.nanoTime() - start);
            }
        }
    }

    private Answer answer(HttpExchange exchange) throws IOException {
        String call = exchange.getRequestMethod() + " " + exchange.getRequestURI().getPath();
        return switch (call) {
            case "POST /score" -> score(exchange);
            case "GET /about" ->
                    new Answer(200, "application/json", engine.about().toJson() + "\n", 0);
            case "GET /inputs" ->
                    new Answer(200, "application/schema+json", engine.inputSchema() + "\n", 0);
            case "GET /health" -> new Answer(200, "text/plain", "ok\n", 0);
            case "GET /metrics" ->
                    new Answer(200, "text/plain; version=0.0.4", metrics.render(), 0);
            default -> Answer.refusal(404, call + ": there are POST /score and GET /about, /inputs,"
                    + " /health, /metrics");
        };
    }

    private Answer score(HttpExchange exchange) throws IOException {
        if (pool.getQueue().size() > MOST_WAITING) {
            return Answer.refusal(503, "too many requests are waiting: try again later");
        }
        byte[] body = exchange.getRequestBody().readNBytes(MOST_BYTES + 1);
        if (body.length > MOST_BYTES) {
            return Answer.refusal(413, "more than " + MOST_BYTES + " bytes: send fewer rows");
        }
        try {
            Object value = Json.parse(new String(body, StandardCharsets.UTF_8));
            if (value instanceof List<?> rows) {
                List<Object> answers = new ArrayList<>();
                for (Object row : rows) {
                    answers.add(score(row, "row " + answers.size()));
                }
                return Answer.json(200, answers, answers.size());
            }
            return Answer.json(200, score(value, ""), 1);
        } catch (IllegalArgumentException e) {
            return Answer.refusal(400, e.getMessage());
        }
    }

    private Map<String, Object> score(Object value, String place) {
        Block block = engine.borrow();
        try {
            JsonRows.encode(engine.encoder(), Json.object(value), block, 0);
            engine.score(block);
        } catch (BadRowException e) {
            throw place.isEmpty() ? e : e.at(place);
        }
        double[] answers = engine.answers(block);
        Map<String, Object> named = new LinkedHashMap<>();
        for (int i = 0; i < engine.outputs().width(); i++) {
            named.put(engine.outputs().names().get(i), engine.outputs().json(answers, 0, i));
        }
        engine.giveBack(block);
        return named;
    }
}
