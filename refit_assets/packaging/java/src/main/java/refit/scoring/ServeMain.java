package refit.scoring;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.UnresolvedAddressException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.LinkedTransferQueue;
import java.util.concurrent.Phaser;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A small HTTP server around the model, on the JDK's own: POST /score, GET /about, /inputs,
 * /health and /metrics.
 *
 * <p>A convenience in a jar of its own; a service that has a framework calls the scorer instead.
 */
public final class ServeMain implements AutoCloseable {
    private static final int MOST_BYTES = 8 << 20;
    private static final int MOST_WAITING = 256;
    /** Requests that are read, scored or answered at once: a slow client holds a thread. */
    private static final int MOST_THREADS = 64;
    private static final int NO_BODY = -1;
    private static final List<String> READ = List.of("GET", "HEAD");
    /** What each path answers. */
    private static final Map<String, List<String>> METHODS = Map.of(
            "/score", List.of("POST"),
            "/about", READ, "/inputs", READ, "/health", READ, "/metrics", READ);
    /** What the JDK's server reads when it is loaded; it sets no limits by itself. */
    private static final Map<String, String> JDK_SETTINGS = Map.of(
            // Headers and body are two packets: without this the second waits 40 ms for an ACK.
            "sun.net.httpserver.nodelay", "true",
            // A client that sends slowly would hold a thread as long as it likes.
            "sun.net.httpserver.maxReqTime", "10",
            "sun.net.httpserver.maxRspTime", "10",
            "jdk.httpserver.maxConnections", "1024");

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
    /** As many rows are scored at once as there are processors for it, whoever waits for whom. */
    private final Semaphore scoring;
    /** Whether the request of this thread came when too many waited already. */
    private final ThreadLocal<Boolean> late = ThreadLocal.withInitial(() -> false);
    private final ServeMetrics metrics = new ServeMetrics();
    /** One party for the server, one for every request that waits or is answered. */
    private final Phaser inFlight = new Phaser(1);
    private volatile boolean stopping;
    /** How long requests in flight may take once the server stops; a test on a busy machine waits. */
    int graceSeconds = 5;

    ServeMain(Engine engine, String host, int port, int threads) throws IOException {
        this.engine = engine;
        engine.selfTest(); // A model that differs from the cluster's must not begin to serve.
        scoring = new Semaphore(threads);
        // Whoever comes takes an idle thread, else a new one, and waits where there are enough.
        LinkedTransferQueue<Runnable> waiting = new LinkedTransferQueue<>() {
            @Override
            public boolean offer(Runnable request) {
                return tryTransfer(request);
            }
        };
        pool = new ThreadPoolExecutor(
                threads, Math.max(threads, MOST_THREADS), 1, TimeUnit.MINUTES, waiting,
                (request, full) -> waiting.put(request));
        server = HttpServer.create(new InetSocketAddress(host, port), MOST_WAITING);
        server.setExecutor(this::execute);
        server.createContext("/", this::handle);
        server.start();
    }

    /**
     * Serves until the process is asked to stop, then finishes what is in flight, for at most five
     * seconds. Where it can't serve it ends the JVM: 2 for a wrong call, 3 for a bad model.
     *
     * @param args {@code --host=127.0.0.1 --port=8080 --threads=<processors>}
     */
    public static void main(String[] args) {
        JDK_SETTINGS.forEach((name, value) -> System.setProperty(name, System.getProperty(name, value)));
        try {
            Map<String, String> options = options(args);
            Engine engine = Engine.load(new JarFiles(), Unseen.MISSING);
            String host = options.get("--host");
            int port = Integer.parseInt(options.get("--port"));
            ServeMain serving =
                    new ServeMain(engine, host, port, Integer.parseInt(options.get("--threads")));
            Runtime.getRuntime().addShutdownHook(new Thread(serving::close));
            System.err.println("serving on " + host + ":" + serving.port());
        } catch (IOException | UnresolvedAddressException e) {
            end(Main.BAD_CALL, "can't listen on " + String.join(" ", args) + ": " + e);
        } catch (IllegalArgumentException e) {
            end(Main.BAD_CALL, e.getMessage() + "; options: --host=H --port=P --threads=N");
        } catch (BadModelException e) {
            end(Main.BAD_MODEL, "bad model: " + e.getMessage());
        }
    }

    private static void end(int code, String complaint) {
        System.err.println(complaint);
        System.exit(code);
    }

    /** The options of a call; {@link IllegalArgumentException} says which of them is none. */
    static Map<String, String> options(String... args) {
        Map<String, String> options = new LinkedHashMap<>();
        options.put("--host", "127.0.0.1");
        options.put("--port", "8080");
        options.put("--threads", "" + Runtime.getRuntime().availableProcessors());
        for (String arg : args) {
            String[] parts = arg.split("=", 2);
            boolean known = parts.length == 2 && options.containsKey(parts[0]);
            if (!known || !parts[0].equals("--host") && !parts[1].matches("[0-9]{1,5}")) {
                throw new IllegalArgumentException("what is " + arg + "?");
            }
            options.put(parts[0], parts[1]);
        }
        return options;
    }

    int port() {
        return server.getAddress().getPort();
    }

    /** How many requests wait or are answered. */
    int inFlight() {
        return Math.max(0, inFlight.getRegisteredParties() - (stopping ? 0 : 1));
    }

    /** Stops: tells so by /health, finishes what is in flight, takes no new connection. */
    @Override
    public void close() {
        stopping = true;
        try {
            // Not by the server's own grace: in JDK 17 that waits in full, even with nothing to do.
            inFlight.awaitAdvanceInterruptibly(
                    inFlight.arriveAndDeregister(), graceSeconds, TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            System.err.println("stopped with " + inFlight() + " requests unanswered");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        server.stop(0);
        pool.shutdown();
    }

    private void execute(Runnable request) {
        inFlight.register();
        boolean tooLate = pool.getQueue().size() >= MOST_WAITING;
        pool.execute(() -> {
            late.set(tooLate);
            try {
                request.run();
            } finally {
                inFlight.arriveAndDeregister();
            }
        });
    }

    private void handle(HttpExchange exchange) throws IOException {
        long start = System.nanoTime();
        try (exchange) {
            Answer answer = answerOrFailure(exchange);
            byte[] bytes = answer.text().getBytes(StandardCharsets.UTF_8);
            // Before the answer leaves: whoever has it finds it counted.
            if (exchange.getRequestURI().getPath().equals("/score")) {
                metrics.count(answer.status(), answer.rows(), System.nanoTime() - start);
            }
            exchange.getResponseHeaders().set("Content-Type", answer.type());
            if (exchange.getRequestMethod().equals("HEAD")) {
                exchange.sendResponseHeaders(answer.status(), NO_BODY);
            } else {
                exchange.sendResponseHeaders(answer.status(), bytes.length);
                exchange.getResponseBody().write(bytes);
            }
        }
    }

    /** Whatever goes wrong in here: the client is told, and the request is counted. */
    private Answer answerOrFailure(HttpExchange exchange) throws IOException {
        try {
            return answer(exchange);
        } catch (RuntimeException e) {
            System.err.println("failed to answer " + exchange.getRequestURI().getPath() + ": " + e);
            return Answer.refusal(500, "the server failed; its log says why");
        }
    }

    private Answer answer(HttpExchange exchange) throws IOException {
        String path = exchange.getRequestURI().getPath();
        List<String> methods = METHODS.get(path);
        if (methods == null) {
            return Answer.refusal(404, path + ": there are POST /score and GET /about, /inputs,"
                    + " /health, /metrics");
        } else if (!methods.contains(exchange.getRequestMethod())) {
            exchange.getResponseHeaders().set("Allow", String.join(", ", methods));
            return Answer.refusal(405, path + " answers " + String.join(" and ", methods));
        }
        return switch (path) {
            case "/score" -> score(exchange);
            case "/about" -> new Answer(200, "application/json", engine.about().toJson() + "\n", 0);
            case "/inputs" ->
                    new Answer(200, "application/schema+json", engine.inputSchema() + "\n", 0);
            case "/metrics" ->
                    new Answer(200, "text/plain; version=0.0.4", metrics.render(inFlight()), 0);
            default -> stopping
                    ? new Answer(503, "text/plain", "stopping\n", 0)
                    : new Answer(200, "text/plain", "ok\n", 0);
        };
    }

    private Answer score(HttpExchange exchange) throws IOException {
        if (late.get()) {
            return Answer.refusal(503, "too many requests are waiting: try again later");
        }
        byte[] body = exchange.getRequestBody().readNBytes(MOST_BYTES + 1);
        if (body.length > MOST_BYTES) {
            return Answer.refusal(413, "more than " + MOST_BYTES + " bytes: send fewer rows");
        }
        scoring.acquireUninterruptibly();
        try {
            // A decoder refuses what is no UTF-8, where a text made of the bytes would replace it.
            Object value = Json.parse(
                    StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(body)).toString());
            if (value instanceof List<?> rows) {
                List<Object> answers = new ArrayList<>();
                for (Object row : rows) {
                    answers.add(score(row, "row " + answers.size()));
                }
                return Answer.json(200, answers, answers.size());
            }
            return Answer.json(200, score(value, ""), 1);
        } catch (CharacterCodingException e) {
            return Answer.refusal(400, "the body is no UTF-8");
        } catch (IllegalArgumentException e) {
            return Answer.refusal(400, e.getMessage());
        } finally {
            scoring.release();
        }
    }

    private Map<String, Object> score(Object value, String place) {
        Block block = engine.borrow();
        try {
            JsonRows.encode(engine.encoder(), Json.object(value), block, 0);
            engine.score(block);
        } catch (BadRowException e) {
            throw place.isEmpty() ? e : e.at(place);
        } catch (IllegalArgumentException e) {
            throw place.isEmpty() ? e : new BadRowException(place, e.getMessage());
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
