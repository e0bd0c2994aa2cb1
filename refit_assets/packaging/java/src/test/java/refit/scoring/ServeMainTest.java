package refit.scoring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The server over a real socket of this machine. */
class ServeMainTest {
    private final HttpClient client = HttpClient.newHttpClient();
    private ServeMain server;

    @BeforeEach
    void start() throws IOException {
        server = new ServeMain(Models.gbm(Unseen.FAIL), "127.0.0.1", 0, 2);
    }

    @AfterEach
    void stop() {
        server.close();
    }

    private HttpResponse<String> call(String method, String path, String body) throws Exception {
        URI address = URI.create("http://127.0.0.1:" + server.port() + path);
        HttpRequest request = HttpRequest.newBuilder(address)
                .method(method, HttpRequest.BodyPublishers.ofString(body)).build();
        return client.send(request, HttpResponse.BodyHandlers.ofString());
    }

    @Test
    void oneRowAndManyAreScored() throws Exception {
        String row = "{\"AGE\": 72, \"RACE\": \"1.0\"}";
        HttpResponse<String> one = call("POST", "/score", row);
        assertEquals(200, one.statusCode());
        Map<String, Object> answer = Json.object(Json.parse(one.body()));
        assertTrue(answer.containsKey("p:1"));
        HttpResponse<String> many = call("POST", "/score", "[" + row + "," + row + "]");
        assertEquals(List.of(answer, answer), Json.list(Json.parse(many.body())));
    }

    @Test
    void aBadRowIsNamedByPlaceAndField() throws Exception {
        HttpResponse<String> bad = call("POST", "/score", "[{\"AGE\": 1}, {\"RACE\": \"9\"}]");
        assertEquals(400, bad.statusCode());
        assertTrue(bad.body().contains("row 1, RACE: the model knows no level"), bad.body());
        assertEquals(400, call("POST", "/score", "{").statusCode());
        assertEquals(400, call("POST", "/score", "{\"AGE\": \"old\"}").statusCode());
    }

    @Test
    void aBodyThatIsTooLargeIsRefused() throws Exception {
        assertEquals(413, call("POST", "/score", " ".repeat((8 << 20) + 1)).statusCode());
    }

    @Test
    void theOthersAnswerAndUnknownPathsSayWhatThereIs() throws Exception {
        assertEquals("ok\n", call("GET", "/health", "").body());
        assertTrue(call("GET", "/about", "").body().contains("scoring_path"));
        assertTrue(call("GET", "/inputs", "").body().contains("GLEASON"));
        HttpResponse<String> unknown = call("GET", "/scores", "");
        assertEquals(404, unknown.statusCode());
        assertTrue(unknown.body().contains("POST /score"));
    }

    @Test
    void anotherMethodIsToldWhichOnesThereAre() throws Exception {
        for (String[] wrong : new String[][] {{"GET", "/score", "POST"}, {"POST", "/health", "GET, HEAD"}}) {
            HttpResponse<String> refused = call(wrong[0], wrong[1], "");
            assertEquals(405, refused.statusCode());
            assertEquals(wrong[2], refused.headers().firstValue("Allow").orElseThrow());
        }
    }

    @Test
    void aHeadIsAnsweredWithoutABody() throws Exception {
        HttpResponse<String> head = call("HEAD", "/health", "");
        assertEquals(200, head.statusCode());
        assertEquals("", head.body());
    }

    @Test
    void optionsThatAreNoneAreRefusedByName() {
        assertEquals("0", ServeMain.options("--port=80", "--port=0").get("--port"));
        assertEquals("::1", ServeMain.options("--host=::1").get("--host"));
        for (String wrong : new String[] {"--port", "--port=x", "--port=-1", "--threads=", "--colour=red", "8080"}) {
            IllegalArgumentException refused =
                    assertThrows(IllegalArgumentException.class, () -> ServeMain.options("--port=1", wrong));
            assertEquals("what is " + wrong + "?", refused.getMessage());
        }
    }

    @Test
    void aModelThatDiffersFromItsGoldenRowsIsNotServed() {
        ModelFiles spoilt =
                Models.changed(Models.gbmFiles(), "golden.csv", text -> text.replace(",0,0.", ",0,1."));
        Engine engine = Engine.load(spoilt, Unseen.MISSING);
        assertThrows(BadModelException.class, () -> new ServeMain(engine, "127.0.0.1", 0, 2));
    }

    @Test
    void whoeverComesAfterALongQueueIsAskedToComeAgain() throws Exception {
        server.close();
        CountDownLatch release = new CountDownLatch(1);
        server = new ServeMain(Models.broken(() -> await(release)), "127.0.0.1", 0, 1);
        List<Socket> clients = new ArrayList<>();
        for (int i = 0; i < 400; i++) {
            clients.add(new Socket("127.0.0.1", server.port()));
            send(clients.get(i), "POST /score HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}");
        }
        while (server.inFlight() < clients.size()) {
            Thread.onSpinWait();
        }
        release.countDown();
        Map<String, Integer> answers = new TreeMap<>();
        for (Socket one : clients) {
            String answer = new String(one.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            answers.merge(answer.split(" ")[1], 1, Integer::sum);
            one.close();
        }
        // 64 had threads, 256 waited for one, and who came then is refused.
        assertEquals(Map.of("200", 320, "503", 80), answers);
    }

    @Test
    void clientsThatSendSlowlyKeepNobodyWaiting() throws Exception {
        String request = "POST /score HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}";
        List<Socket> slow = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            slow.add(new Socket("127.0.0.1", server.port()));
            // Half of the headers, or half of the body.
            send(slow.get(i), request.substring(0, i % 2 == 0 ? 40 : request.length() - 1));
        }
        while (server.inFlight() < slow.size()) {
            Thread.onSpinWait();
        }
        assertEquals("ok\n", call("GET", "/health", "").body());
        assertEquals(200, call("POST", "/score", "{}").statusCode());
        for (int i = 0; i < slow.size(); i++) {
            send(slow.get(i), request.substring(i % 2 == 0 ? 40 : request.length() - 1));
            String answer = new String(slow.get(i).getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertTrue(answer.startsWith("HTTP/1.1 200"), answer);
            slow.get(i).close();
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void whatIsNoUtf8OrNoRowIsRefused() throws Exception {
        HttpRequest latin = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + "/score"))
                .POST(HttpRequest.BodyPublishers.ofByteArray("{\"RACE\":\"\u00fc\"}".getBytes(StandardCharsets.ISO_8859_1)))
                .build();
        HttpResponse<String> refused = client.send(latin, HttpResponse.BodyHandlers.ofString());
        assertEquals(400, refused.statusCode());
        assertTrue(refused.body().contains("the body is no UTF-8"), refused.body());
        assertTrue(call("POST", "/score", "[{}, null]").body().contains("row 1: expected a JSON object, found null"));
        assertTrue(call("POST", "/score", "null").body().contains("\"expected a JSON object, found null"));
    }

    @Test
    void aFailureOfOursIsToldAndCounted() throws Exception {
        server.close();
        Engine broken = Models.broken(() -> {
            throw new IllegalStateException("tested");
        });
        server = new ServeMain(broken, "127.0.0.1", 0, 2);
        HttpResponse<String> failed = call("POST", "/score", "{}");
        assertEquals(500, failed.statusCode());
        assertTrue(failed.body().contains("the server failed"), failed.body());
        assertTrue(call("GET", "/metrics", "").body().contains("status=\"500\"} 1"));
    }

    @Test
    void requestsAndRowsAreCounted() throws Exception {
        call("POST", "/score", "[{},{},{}]");
        call("POST", "/score", "nonsense");
        String metrics = call("GET", "/metrics", "").body();
        assertTrue(metrics.contains("scoring_requests_total{status=\"200\"} 1"), metrics);
        assertTrue(metrics.contains("scoring_requests_total{status=\"400\"} 1"), metrics);
        assertTrue(metrics.contains("scoring_rows_total 3"), metrics);
        assertTrue(metrics.contains("scoring_seconds_bucket{le=\"+Inf\"} 2"), metrics);
        double seconds = Double.parseDouble(metrics.split("scoring_seconds_sum ")[1].split("\n")[0]);
        assertTrue(seconds > 0 && seconds < 100, metrics);
    }

    @Test
    void whatIsInFlightIsAnsweredBeforeTheServerStops() throws Exception {
        server.graceSeconds = 300;
        Thread stop = new Thread(server::close);
        try (Socket socket = new Socket("127.0.0.1", server.port())) {
            send(socket, "POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{");
            while (server.inFlight() == 0) {
                Thread.onSpinWait();
            }
            stop.start();
            while (call("GET", "/health", "").statusCode() != 503) {
                Thread.onSpinWait();
            }
            send(socket, "}");
            String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertTrue(answer.startsWith("HTTP/1.1 200"), answer);
        }
        stop.join();
        assertThrows(IOException.class, () -> call("GET", "/health", ""));
    }

    private static void send(Socket socket, String text) throws IOException {
        socket.getOutputStream().write(text.getBytes(StandardCharsets.UTF_8));
        socket.getOutputStream().flush();
    }
}
